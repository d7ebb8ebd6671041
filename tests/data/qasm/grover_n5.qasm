OPENQASM 2.0;
include "qelib1.inc";
// three bits, marked 101; two ancillas
qreg q[3];
qreg anc[2];
creg c[3];
gate oracle a,b,c,x,t { x b; ccx a,b,x; ccx x,c,t; ccx a,b,x; x b; }
gate diffusion a,b,c { h a; h b; h c; x a; x b; x c; h c; ccx a,b,c; h c; x a; x b; x c; h a; h b; h c; }
h q;
x anc[1]; h anc[1];
oracle q[0],q[1],q[2],anc[0],anc[1];
diffusion q[0],q[1],q[2];
oracle q[0],q[1],q[2],anc[0],anc[1];
diffusion q[0],q[1],q[2];
h anc[1]; x anc[1];
measure q -> c;
