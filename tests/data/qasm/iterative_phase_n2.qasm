OPENQASM 2.0;
include "qelib1.inc";
// a phase of 3/8, one wire measured and used again
qreg q[1];
qreg e[1];
creg c[3];
x e;
h q; cu1(pi*3) q[0],e[0]; h q; measure q[0] -> c[0]; reset q;
h q; cu1(pi*3/2) q[0],e[0];
if(c==1) u1(-pi/2) q[0];
h q; measure q[0] -> c[1]; reset q;
h q; cu1(pi*3/4) q[0],e[0];
if(c==1) u1(-pi/4) q[0];
if(c==2) u1(-pi/2) q[0];
if(c==3) u1(-3*pi/4) q[0];
h q; measure q[0] -> c[2];
