OPENQASM 2.0;
include "qelib1.inc";
// numbers in every way that the language writes them
qreg q[3];
gate g(a,b) x,y { u3(a^2-b, -a/b, sin(a)*cos(b)) x; cx x,y; rz(sqrt(exp(ln(b*b)))) y; ry(tan(a-b)/2^-1) x; }
gate h2 a { h a; barrier a; h a; }
g(0.3,1.7) q[0],q[1];
g(-pi/4,3/2) q[1],q[2];
rx(-2^2) q[0]; ry(2^3^2/100) q[1]; rz(1.5e-1+.25-1E0*3.) q[2];
rx(-(-(pi))) q; u2(0,pi) q[1]; U(pi/2,0,pi) q[2]; CX q[2],q[0]; h2 q[1]; h() q[0];
