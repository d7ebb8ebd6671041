OPENQASM 2.0;
include "qelib1.inc";
// three-bit code, one error, two ancillas that are used twice
qreg q[3];
qreg a[2];
creg syn[2];
creg again[2];
creg out[3];
gate syndrome d1,d2,d3,a1,a2 { cx d1,a1; cx d2,a1; cx d2,a2; cx d3,a2; }
ry(1.1) q[0];
cx q[0],q[1]; cx q[0],q[2];
rx(0.8) q[1];
syndrome q[0],q[1],q[2],a[0],a[1];
measure a -> syn;
if(syn==1) x q[0];
if(syn==2) x q[2];
if(syn==3) x q[1];
reset a;
syndrome q[0],q[1],q[2],a[0],a[1];
measure a -> again;
measure q -> out;
