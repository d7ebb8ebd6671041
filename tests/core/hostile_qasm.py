"""Programs that must be refused: malformed, huge, not finite, endless, or asking for files or code."""

from __future__ import annotations

import re

HEADER = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
TWO = HEADER + "qreg q[2];\ncreg c[2];\n"
GOOD = TWO + "gate g(a, b) x, y { rx(a*sin(b)) x; cx x, y; }\ng(pi/2, 1.5e-1) q[0], q[1];\nif(c==1) h q;\n"

# appended to a program that has qubits q[2] and classical bits c[2]
STATEMENTS = """
no semicolon: h q[0]
two gates without one: h q[0] h q[1];
a gate that is not there: nothing q[0];
a gate in capitals: H q[0];
a number for a gate: 3 q[0];
a string for a gate: "h" q[0];
no operand: h ;
no operand after a comma: cx q[0], ;
a comma first: cx , q[0];
two commas: cx q[0],, q[1];
no comma: cx q[0] q[1];
too few operands: cx q[0];
too many operands: h q[0], q[1];
a qubit twice: cx q[0], q[0];
a register and its qubit: cx q, q[1];
a register twice: cx q, q;
three qubits of which two: ccx q[0], q[1], q[0];
too few parameters: rx q[0];
no parameters in brackets: rx() q[0];
too many parameters: rx(1, 2) q[0];
parameters for none: h(1) q[0];
an empty parameter: u3(1,,2) q[0];
a comma at the end: u2(1,2,) q[0];
a bracket that does not close: rx(1 q[0];
a bracket that does not open: rx 1) q[0];
an index that is not there: h q[2];
an index below zero: h q[-1];
an index with a point: h q[1.0];
an index that is a name: h q[i];
an index that is a formula: h q[1-1];
an index of 64 bits: h q[18446744073709551616];
an index of 200 digits: h q[DIGITS200];
an index of 10000 digits: h q[DIGITS10000];
an empty index: h q[];
an index that does not close: h q[0;
an index in round brackets: h q(0);
two indices: h q[0][0];
no such register: h r[0];
a classical bit for a qubit: h c[0];
a qubit for a classical bit: measure q[0] -> q[1];
a measurement of a classical bit: measure c[0] -> c[1];
a measurement of two into one: measure q -> c[0];
a measurement of one into two: measure q[0] -> c;
a measurement into nothing: measure q[0];
a measurement without an arrow: measure q[0] c[0];
a measurement with an equals sign: c[0] = measure q[0];
a reset of a classical bit: reset c[0];
a reset of nothing: reset;
a barrier on a classical bit: barrier c;
a barrier on what is not there: barrier z;
a register of the same name: qreg q[3];
a classical register of the same name: creg q[3];
a register named as a gate: qreg h[2];
a register named as a word: qreg measure[2];
a register in capitals: qreg Q[2];
a register with a strange name: qreg é[2];
a register without a size: qreg r;
a register with an empty size: qreg r[];
a register of a negative size: qreg r[-1];
a register of a size with a point: qreg r[2.0];
a register of a named size: qreg r[n];
a register of 10^9 qubits: qreg r[1000000000];
a register of 4*10^9 bits: creg r[4000000000];
a register of 2^64 qubits: qreg r[18446744073709551616];
a register of 10000 digits: qreg r[DIGITS10000];
registers that add up: qreg r1[60000]; qreg r2[60000];
an unknown condition: if(d==1) h q[0];
a condition on qubits: if(q==1) h q[0];
a condition on one bit: if(c[0]==1) h q[0];
a condition with one sign: if(c=1) h q[0];
a condition that is smaller: if(c<1) h q[0];
a condition on a name: if(c==c) h q[0];
a condition on a fraction: if(c==0.5) h q[0];
a condition below zero: if(c==-1) h q[0];
a condition of 10000 digits: if(c==DIGITS10000) h q[0];
a condition without brackets: if c==1 h q[0];
a condition without a gate: if(c==1);
a condition on a condition: if(c==1) if(c==1) h q[0];
a condition on a declaration: if(c==1) qreg z[1];
a condition on a definition: if(c==1) gate g a {}
a gate without a body: gate g a;
a gate without qubits: gate g {}
a gate without a name: gate { h a; }
a gate with empty brackets and no qubits: gate g() {}
a gate that is not closed: gate g a { h a;
a gate named as a standard one: gate h a { x a; }
a gate named as a built-in one: gate CX a, b { }
a gate named as a register: gate q a { h a; }
a gate defined twice: gate g a { h a; } gate g a { x a; }
a gate of itself: gate g a { g a; }
a gate defined after its use: gate g a { k a; } gate k a { h a; }
a parameter twice: gate g(a, a) x { }
a qubit twice in a gate: gate g a, a { }
a parameter named as a qubit: gate g(a) a { }
a parameter from elsewhere: gate g(a) x { rx(b) x; }
a qubit from elsewhere: gate g a { h q[0]; }
a qubit of the program: gate g a { h q; }
an index in a gate: gate g a { h a[0]; }
a measurement in a gate: gate g a { measure a -> c[0]; }
a reset in a gate: gate g a { reset a; }
a condition in a gate: gate g a { if(c==1) h a; }
a gate in a gate: gate g a { gate k b { h b; } }
a register in a gate: gate g a { qreg r[1]; }
a qubit twice in a body: gate g a { cx a, a; }
too few qubits in a body: gate g a, b { cx a; }
a number for a qubit: gate g 1 { h 1; }
an opaque gate: opaque o(a) x; o(1) q[0];
an opaque gate in a gate: opaque o x; gate g a { o a; }
an opaque gate named as another: opaque h a;
division by zero: rx(1/0) q[0];
zero by zero: rx(0/0) q[0];
zero to a negative power: rx(0^-1) q[0];
a root of a negative number: rx(sqrt(-1)) q[0];
a negative number to a fraction: rx((-1)^0.5) q[0];
a logarithm of zero: rx(ln(0)) q[0];
a logarithm of a negative number: rx(ln(-1)) q[0];
exp of a million: rx(exp(1e6)) q[0];
a tower of powers: rx(9^9^9^9) q[0];
a literal beyond floats: rx(1e400) q[0];
a long literal beyond floats: rx(DIGITS399) q[0];
a product beyond floats: rx(1e308*10) q[0];
a sum beyond floats: rx(1.7e308+1.7e308) q[0];
a sine of what is not finite: rx(sin(1e308*1e308)) q[0];
not a number: rx(nan) q[0];
infinity: rx(inf) q[0];
minus infinity: rx(-infinity) q[0];
an imaginary number: rx(1j) q[0];
a hexadecimal number: rx(0x10) q[0];
a number with underscores: rx(1_000) q[0];
a number of 10000 digits: rx(DIGITS10000) q[0];
two points: rx(1.2.3) q[0];
an exponent without digits: rx(1e) q[0];
a number that runs into a word: rx(2pi) q[0];
a percent sign: rx(3%2) q[0];
two stars: rx(2**3) q[0];
no operator: rx(1 2) q[0];
only an operator: rx(*) q[0];
an operator at the end: rx(1+) q[0];
an unknown function: rx(arcsinh(1)) q[0];
a function without brackets: rx(sin 1) q[0];
a function without a number: rx(sin()) q[0];
a function of two numbers: rx(sin(1,2)) q[0];
a name for a number: rx(theta) q[0];
a string for a number: rx("1") q[0];
a comparison for a number: rx(1==1) q[0];
a list for a number: rx([1]) q[0];
division by zero in a gate: gate g(a) x { rx(1/a) x; } g(0) q[0];
what is not finite in a gate: gate g(a) x { rx(exp(a)) x; } g(1e5) q[0];
eval: rx(eval("1")) q[0];
import: rx(__import__("os").system("touch CANARY")) q[0];
import in single quotes: rx(len(__import__('os').listdir('/'))) q[0];
exec: exec("open('CANARY','w')") q[0];
a lambda: rx((lambda: open("CANARY","w"))()) q[0];
an attribute: rx(pi.__class__) q[0];
a format string: rx({open("CANARY","w")}) q[0];
a call of open: open("CANARY", "w");
a shell command: `touch CANARY`;
a name of Python: rx(__builtins__) q[0];
a pragma: #pragma include CANARY
a directive: @include CANARY
another version inside: OPENQASM 3.0;
a version line inside: OPENQASM 2.0;
a qubit of version 3: qubit r;
a bit of version 3: bit b;
an input of version 3: input float theta;
a modifier: ctrl @ x q[0], q[1];
a loop: for i in [0:1] { h q[i]; }
a block: { h q[0]; }
else: if(c==1) h q[0]; else x q[0];
a line comment only at the start: / h q[0];
a comment that does not end: /* h q[0];
a string that does not end: include "qelib1.inc;
a closing brace: }
a closing bracket: );
a backslash: h q[0]; \\
a dollar sign: $0;
a null character: h q[0]; \x00
an emoji: h 😀;
a soft hyphen: h q\xad[0];
a wide digit: h q[１];
a zero-width space: h\u200bq[0];
a byte order mark inside: h q[0]; \ufeff x q[0];
"""

# the same in version 3, after qubits q[3] and bits c[2]
HEADER3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;\nbit[2] c;\n'
STATEMENTS3 = """
a modifier without a gate: ctrl @ ;
a modifier without its sign: ctrl x q[0], q[1];
a modifier of nothing known: adj @ x q[0];
a control without its qubit: ctrl @ x q[0];
a control that is its target: ctrl @ x q[0], q[0];
no controls: ctrl(0) @ x q[0];
a million controls: ctrl(1000000) @ x q[0];
a fraction of a control: ctrl(1.5) @ x q[0], q[1];
a hundred thousand modifiers: MANY(ctrl @ )x q[0];
a hundred thousand inverses: MANY(inv @ )x q[0];
a power without a number: pow @ x q[0];
a power of a name: pow(theta) @ x q[0];
a power that is not finite: pow(1/0) @ x q[0];
a power of 10^12: pow(10**12) @ x q[0];
a gate of two a billion times: gate g a { h a; t a; } pow(10**9) @ g q[0];
a fraction of a gate of an input: input float t; gate g(t) a { rx(t) a; h a; } pow(0.5) @ g(t) q[0];
whole numbers divided: rx(1/2) q[0];
whole numbers divided after a sum: rx((1+2)/2) q[0];
a tower of powers in version 3: rx(9**9**9**9) q[0];
a caret: rx(2^3) q[0];
a phase on a qubit: gphase(0.1) q[0];
a phase of nothing: gphase q[0];
an input of bits: input bit b;
an input named as a gate: input float x;
an input twice: input float t; input float t;
an input as a size: input int n; qubit[n] r;
a constant of an input: input float t; const float u = t;
a constant that is not finite: const float u = 1e400;
a constant of a fraction: const int n = 0.5;
a constant without a value: const int n;
a size below one: qubit[0] r;
a size of 10^12: bit[10**12] r;
a step of 0: h q[0:0:2];
a range beyond the end: h q[0:3];
an index before the start: h q[-4];
an empty list: h q[{}];
a list that does not end: h q[{0, 1];
a qubit in its range twice: cx q[0:1], q[1:0];
a condition on bits without a number: if (c) x q[0];
a condition on qubits in version 3: if (q[0]) x q[1];
a condition on a string of bits that is too long: if (c == "011") x q[0];
a condition with an arrow: if (c -> 1) x q[0];
a condition of brackets: if (MANY(()c[0]) x q[0];
a condition of opposites: if (MANY(!)c[0]) x q[0];
conditions in conditions: MANY(if (c[0]) )x q[0];
a measurement under a condition: if (c[0]) { c[1] = measure q[0]; }
a block that does not end: if (c[0]) { x q[0];
else without if: else { x q[0]; }
a loop without end: while (true) { h q[0]; }
a loop of 10^9: for int i in [0:10**9] { h q[0]; }
a loop of nothing, 10^9 times: for int i in [0:10**9] { }
a loop of 4^20: LOOPS h q[0];
a hundred thousand loops: MANY(for int i in {0} )h q[0];
a hundred thousand blocks: MANY(box { )h q[0];
a loop without numbers: for int i in [] { h q[0]; }
a loop over qubits: for int i in q { h q[0]; }
a loop over fractions: for int i in {0.5} { h q[0]; }
a loop of fractions from one to another: for float a in [0:1] { rx(a) q[0]; }
a loop with a step of 0: for int i in [0:0:3] { h q[0]; }
a loop beyond 32 bits: for int i in [0:2**40] { h q[0]; }
a loop without a kind: for i in [0:3] { h q[i]; }
a loop beyond the register: for int i in [0:3] { h q[i]; }
a loop that declares qubits: for int i in [0:1] { qubit[2] r; }
a loop that does not end: for int i in [0:1] { h q[0];
a loop of no times that does not end: for int i in [1:0] { h q[0];
a variable of a loop behind it: for int i in [0:1] { h q[i]; } h q[i];
a variable of a loop that is set: for int i in [0:1] { i = 2; }
a variable that is set again: int i = 3; i = 4;
a variable that grows: int i = 3; i += 4;
a variable of an input: input float t; float u = 2 * t;
a number that is not set: int i; h q[i];
a switch on a number that is not set: int i; switch (i) { case 0 { h q[0]; } }
a switch on bits that were measured since: int i; i = c; c = measure q[0:1]; switch (i) { case 0 { h q[0]; } }
a switch on 16 bits: bit[16] b; int i; i = b; switch (i) { case 0 { h q[0]; } default { x q[0]; } }
a case behind the default: int i; i = c; switch (i) { default { h q[0]; } case 0 { x q[0]; } }
an array of other size: array[float, 3] a = {1, 2};
an array of 10^12 numbers: input array[float, 10**12] a;
an array of arrays: array[float, 2, 2] a = {{1, 2}, {3, 4}};
an array of names: array[float, 1] a = {b};
an array for a number: array[float, 2] a = {1, 2}; rx(a) q[0];
an array beyond its end: array[float, 2] a = {1, 2}; rx(a[2]) q[0];
an array by a fraction: array[float, 2] a = {1, 2}; rx(a[0.5]) q[0];
a physical qubit among declared ones: h $0;
a physical qubit without a number: h $q;
an alias of a qubit twice: let a = q ++ q[0];
an alias of bits and qubits: let a = q ++ c;
an alias of nothing: let a = ;
an alias under a taken name: let q = q[0:1];
a remainder by 0: rx(5 % 0) q[0];
a tower of whole powers: h q[2**9**9**9];
a delay without a unit: delay[3] q[0];
a delay of a name: delay[t] q[0];
a comparison of a register with a bit: if (c == c[0]) x q[0];
a comparison with a sign: if (int[2](c) == 1) x q[0];
a register as a truth value: if (c & c[0]) x q[0];
a function: def f(qubit a) { h a; }
an external function: extern f(int) -> int;
a pulse: cal { play(d0); }
a calibration: defcal x $0 { }
an assignment of a number: c = 3;
an assignment of a gate: c = x q[0];
an assignment to qubits: q = measure q;
a pragma of version 3: pragma touch CANARY
an annotation: @touch CANARY
code in a formula: rx(__import__("os").system("touch CANARY")) q[0];
a include of a file: include "CANARY";
an opaque gate of version 2: opaque o a;
"""
INCLUDES = (
    "../qelib1.inc ./qelib1.inc /etc/passwd ../../../../etc/passwd CANARY qelib1 QELIB1.INC qelib1.inc.py "
    "file:///etc/passwd http://localhost/qelib1.inc \\\\host\\share C:\\qelib1.inc ~/.ssh/id_rsa "
    "/dev/zero /dev/stdin"
).split()


def doubling(levels: int, first: str, body: str, last: str) -> str:
    """Definitions of which each uses the one before twice."""
    lines = [TWO + first]
    lines += [body.format(k=k, before=k - 1) for k in range(1, levels)]
    return "\n".join([*lines, last.format(last=levels - 1)])


WHOLE = {
    "nothing but a word": "hello",
    "Python": "import os\nos.system('touch CANARY')\n",
    "JSON": '{"format": "qasm"}',
    "version 3": "OPENQASM 3.0;\nqubit q;\n",
    "version 1": "OPENQASM 1.0;\nqreg q[1];\n",
    "version of a word": "OPENQASM two;\n",
    "version without a semicolon": "OPENQASM 2.0\nqreg q[1];",
    "version twice": "OPENQASM 2.0;\nOPENQASM 2.0;\n",
    "a gate without the include": "OPENQASM 2.0;\nqreg q[1];\nh q[0];\n",
    "bytes of a picture": "\x89PNG\r\n\x1a\n\x00\x00",
    "a megabyte of brackets": TWO + "rx(" + "(" * 10**6,
    "100000 brackets that close": TWO + "rx(" + "(" * 10**5 + "1" + ")" * 10**5 + ") q[0];",
    "100000 signs": TWO + "rx(" + "-" * 10**5 + "1) q[0];",
    "100000 functions": TWO + "rx(" + "sin(" * 10**5 + "1" + ")" * 10**5 + ") q[0];",
    "100000 powers": TWO + "rx(" + "1^" * 10**5 + "1) q[0];",
    "100000 sums of a name": TWO + "gate g(a) x { rx(" + "a+" * 10**5 + "a) x; }",
    "a name of a million letters": TWO + "h" * 10**6 + " q[0];",
    "a string of a million letters": TWO + f'include "{"x" * 10**6}";',
    "a million semicolons and a fault": TWO + ";" * 10**6 + "h",
    "a hundred thousand comments and a fault": TWO + "// h q[0];\n" * 10**5 + "h",
    "2^100 gates": doubling(
        100, "gate g0 a { h a; }", "gate g{k} a {{ g{before} a; g{before} a; }}", "g{last} q[0];"
    ),
    "2^100 gates of nothing": doubling(
        100, "gate g0 a { }", "gate g{k} a {{ g{before} a; g{before} a; }}", "g{last} q;"
    ),
    "2^40 gates never used": doubling(
        40, "gate g0 a { h a; }", "gate g{k} a {{ g{before} a; g{before} a; }}", "h"
    ),
    "definitions 10000 deep": doubling(
        10000, "gate g0 a { h a; }", "gate g{k} a {{ g{before} a; }}", "g{last} q[0];"
    ),
    "3^30 gates on three qubits": TWO
    + "gate g0 a,b,c { ccx a,b,c; }\n"
    + "\n".join(
        f"gate g{k} a,b,c {{ g{k - 1} a,b,c; g{k - 1} b,c,a; g{k - 1} c,a,b; }}" for k in range(1, 30)
    )
    + "\ng29 q[0],q[1],q[0];",
    "12 million gates by registers": HEADER + "qreg q[60000];\n" + "h q;\n" * 200,
    "12 million resets": HEADER + "qreg q[60000];\nx q;\n" + "reset q;\n" * 200,
    "12 million measurements": HEADER + "qreg q[60000];\ncreg c[60000];\n" + "measure q -> c;\n" * 200,
    "barriers over everything": HEADER + "qreg q[60000];\n" + "barrier;\n" * 10**4,
    "long formulas in definitions in definitions": TWO
    + f"gate g(a) x {{ rx({'+'.join('a' * 4000)}) x; }}\ngate k(a) x {{ {'g(a*2) x;' * 300} }}\n"
    + "k(1) q[0];\n" * 1000,
    "conditions of 900 patterns": HEADER3 + "bit[10] b;\n" + "if (b < 900) x q[0];\n" * 20000,
    "conditions of 8 bits by the thousand": HEADER3
    + "bit[8] b;\n"
    + "if (!bool(b) == true) x q[0];\n" * 10**4,
    "conditions on 60000 bits": HEADER + "qreg q[1];\ncreg c[60000];\n" + "if(c==1) x q[0];\n" * 10**4,
    "a gate on 100000 qubits": TWO + "gate g " + ",".join(f"a{k}" for k in range(10**5)) + " { }",
}


def written_out(text: str) -> str:
    """DIGITS200 becomes 200 digits, MANY(x) a hundred thousand times x."""
    text = text.replace("LOOPS", "".join(f"for int i{k} in [0:3] " for k in range(20)))
    text = re.sub(r"MANY\((\(|[^)]*\) |[^)]*)\)", lambda m: m[1] * 10**5, text)
    return re.sub(r"DIGITS(\d+)", lambda m: "9" * int(m[1]), text)


def statements(header: str, listing: str) -> dict[str, str]:
    """The programs of a list of statements."""
    lines = (line.partition(": ") for line in listing.strip("\n").split("\n"))
    return {name: header + written_out(text) + "\n" for name, _, text in lines}


def programs() -> dict[str, str]:
    """Every program that must be refused, by what is wrong with it."""
    found = WHOLE | statements(TWO, STATEMENTS) | statements(HEADER3, STATEMENTS3)
    found |= {f"include {file}": f'OPENQASM 2.0;\ninclude "{file}";\nqreg q[1];\n' for file in INCLUDES}
    for cut in range(len(HEADER) + 1, len(GOOD)):  # where a statement has begun and has not ended
        begun = re.split(r"[;}]\s*", GOOD[:cut])[-1].strip()
        if begun and (GOOD[cut - 1].isspace() or not GOOD[cut - 1 : cut + 1].isalnum()):
            found[f"cut after {cut} characters"] = GOOD[:cut]
    return found
