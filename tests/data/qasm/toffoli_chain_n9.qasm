OPENQASM 2.0;
include "qelib1.inc";
qreg c[5];
qreg a[4];
creg out[9];
gate chain c0,c1,c2,c3,a0,a1,a2 { ccx c0,c1,a0; ccx c2,a0,a1; ccx c3,a1,a2; }
h c;
tdg c[1]; sdg c[3]; t c[0];
chain c[0],c[1],c[2],c[3],a[0],a[1],a[2];
ccx c[4],a[2],a[3];
cz a[3],c[0];
ch c[1],a[1];
cy a[0],c[2];
barrier c,a;
h c;
measure c[0]->out[0]; measure c[1]->out[1]; measure c[2]->out[2]; measure c[3]->out[3]; measure c[4]->out[4];
measure a[0]->out[5]; measure a[1]->out[6]; measure a[2]->out[7]; measure a[3]->out[8];
