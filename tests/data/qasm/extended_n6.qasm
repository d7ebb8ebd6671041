OPENQASM 2.0;
include "qelib1.inc";
// the newer gates of qelib1.inc
qreg q[6];
h q; sx q[1]; sxdg q[2]; p(0.3) q[3]; u(0.1,0.2,0.3) q[4]; u0(1) q[5];
cp(0.7) q[0],q[1]; cu(0.1,0.2,0.3,0.4) q[1],q[2]; csx q[2],q[3]; rxx(0.9) q[3],q[4]; rzz(-0.4) q[4],q[5];
crx(0.5) q[0],q[5]; cry(0.6) q[1],q[4]; cu3(1,2,3) q[2],q[5]; cswap q[0],q[2],q[4];
rccx q[0],q[1],q[2]; rc3x q[0],q[1],q[2],q[3]; c3x q[1],q[2],q[3],q[4]; c3sqrtx q[2],q[3],q[4],q[5];
c4x q[0],q[1],q[2],q[3],q[4]; id q; swap q[0],q[5];
