/** Files of keepalived's preprocessing language, and the first words of the lines they come to. */

import type { ParseOptions } from "../config/mod.ts";
import { tokenize } from "../config/lexer.ts";
import { preprocess } from "../config/preprocess.ts";

/** The first words of the lines that a file comes to, in order. */
export function firstWords(text: string, options: ParseOptions): readonly string[] {
  const surroundings = { folder: "", id: "", checkIncludes: false, environment: () => undefined };
  const { lines } = preprocess(text, "k.conf", {
    ...surroundings,
    random: (low) => low,
    ...options,
  }, () => {});
  return tokenize(lines, () => {}).flatMap((token) =>
    token.kind === "statement" ? [token.words[0].text] : []
  );
}

/** A file and what becomes of it with the id "lb1". Every line's first word is an unknown keyword. */
export interface PreprocessCase {
  readonly what: string;
  readonly text: string;
  readonly words: readonly string[];
  /** False: keepalived 2.2.7 does something else, which `what` says or a message of vigie's. */
  readonly asPeer?: false;
}

/** All of them but for includes. Quotes keep a whole line together as one word. */
export const PREPROCESS_CASES: readonly PreprocessCase[] = [
  {
    what: "conditions of this id and of others",
    text: '@lb1 "a"\n@lb2 "b"\n@^lb1 "c"\n@^lb2 "d"',
    words: ["a", "d"],
  },
  {
    what: "blanks and tabs around a condition",
    text: '  @lb1\t "a"\n@lb1\n@ "b"\n@^ "c"',
    words: ["a", "c"],
  },
  { what: "a condition behind a brace", text: 'x { @lb1 "a"\n@lb2 "b" }', words: ["x", "a"] },
  {
    what: "a condition behind the brace of a line that has one",
    text: '@lb1 x { @lb1 "a" }\n@lb1 y { @lb2 "b" }\n@lb2 z { @lb1 "c" }',
    words: ["x", "a", "y"],
  },
  {
    what: "a sequence to zero",
    text: '~SEQ(N, 0) "s${N}"\n~SEQ(N, -2) "t${N}"',
    words: ["s1", "s0", "t-1", "t-2"],
  },
  { what: "a definition in braces anywhere", text: '$A=v\n"x${A}y"\n"${A}"', words: ["xvy", "v"] },
  {
    what: "a definition without braces before a blank, a comma, a parenthesis and the end",
    text: '$A=v\n"$A x"\n"$A,x"\n"$A)"\nq$A',
    words: ["v x", "v,x", "v)", "qv"],
  },
  {
    what: "a definition without braces before other signs, as text",
    text: '$A=v\n"$A.1"\n"$A/"',
    words: ["$A.1", "$A/"],
  },
  { what: "what is no definition", text: "$1A=x\n$A =x", words: ["$1A=x", "$A"] },
  {
    what: "an indented, an empty and a repeated definition",
    text: '  $A=1\n$B=\n"${A}${B}|"\n$A=2\n"${A}"',
    words: ["1|", "2"],
  },
  {
    what: "the comment behind a definition",
    text: '$A=1 # 2\n$B=3 ! 4\n"${A}${B}|"',
    words: ["13|"],
  },
  {
    what: "a definition of a definition, put in when it is used",
    text: '$A=x${B}\n$B=1\n"${A}"\n$B=2\n"${A}"',
    words: ["x1", "x2"],
  },
  { what: "a name that is put together", text: '$A1=yes\n$B=1\n"${A${B}}"', words: ["yes"] },
  { what: "a definition that comes later, as text", text: '"${A}"\n$A=1', words: ["${A}"] },
  {
    what: "a definition over several lines",
    text: '$M="a" \\\n  "b"\\\n"c"\n$M\n"d" $M',
    words: ["a", "b", "c", "d", "b", "c"],
  },
  { what: "an empty first line of several", text: '$M= \\\n"a" \\\n"b"\n$M', words: ["a", "b"] },
  {
    what: "something behind several lines, as text",
    text: '$M="a" \\\n"b"\n$M "x"',
    words: ["$M"],
  },
  {
    what: "a blank line as the end of a definition",
    text: '$M="a" \\\n\n"b"\n$M',
    words: ["b", "a"],
  },
  {
    what: "comments inside a definition over several lines",
    text: '$M="a" \\ # x\n# y\n"b" # z \\\n"c"\n$M',
    words: ["a", "b", "c"],
  },
  {
    what: "definitions, conditions and sequences inside of several lines",
    text: '$M="a" \\\n@lb1 "b" \\\n@lb2 "c" \\\n$X=1 \\\n"d${X}" \\\n~SEQ(N,1,2) "e${N}"\n$M',
    words: ["a", "b", "d1", "e1", "e2"],
  },
  {
    what: "several lines inside of several lines",
    text: '$I="i1" \\\n"i2"\n$M="a" \\\n$I \\\n"b"\n$M',
    words: ["a", "i1", "i2", "b"],
  },
  { what: "a conditional definition", text: '@lb1 $A=1\n@lb2 $A=2\n"${A}"', words: ["1"] },
  { what: "the id as a definition", text: '"${_INSTANCE}"', words: ["lb1"] },
  { what: "signs of comments as definitions", text: '"a${_HASH}b${_BANG}"', words: ["a#b!"] },
  {
    what: "a sequence by its end",
    text: '~SEQ(N,3) "a${N}"\n~SEQ(N, -2) "b${N}"',
    words: ["a1", "a2", "a3", "b-1", "b-2"],
  },
  {
    what: "a sequence by start and end, up and down",
    text: '~SEQ(N,2,3) "a${N}"\n~SEQ(N,3,2) "b${N}"',
    words: ["a2", "a3", "b3", "b2"],
  },
  {
    what: "a sequence by steps that miss the end",
    text: '~SEQ(N,0,5,12) "a${N}"\n~SEQ(N,12,-5,0) "b${N}"',
    words: ["a0", "a5", "a10", "b12", "b7", "b2"],
  },
  {
    what: "hexadecimal and octal numbers",
    text: '~SEQx(N,9,11) "a${N}"\n~SEQ(N,0x9,0xa) "b${N}"\n~SEQ(N,010,8) "c${N}"',
    words: ["a9", "aa", "ab", "b9", "b10", "c8"],
  },
  {
    what: "sequences in sequences",
    text: '~SEQ(A,1,2) ~SEQ(B,1,${A}) "n${A}${B}"',
    words: ["n11", "n21", "n22"],
  },
  {
    what: "a sequence with definitions as its numbers",
    text: '$E=2\n~SEQ(A,1,${E}) "a${A}"\n~SEQ(A,1,$E) "b${A}"',
    words: ["a1", "a2", "b1", "b2"],
  },
  {
    what: "sequences that cannot be, as nothing",
    text:
      '~SEQ(A,0,0,3) "a"\n~SEQ(A,5,1,3) "b"\n~SEQ(A) "c"\n~SEQ(A,x) "d"\n~SEQ(A,1,2,3,4) "e"\n~SEQ(A,1 "f"\n~SEQ(A,1.5) "g"\n~SEQx(A,-2,-1) "h"',
    words: [],
  },
  {
    what: "a list",
    text: '~LST(A, x, y,z) "l${A}"\n~LST(A,,x) "m${A}."',
    words: ["lx", "ly", "lz", "m.", "mx."],
  },
  {
    what: "tuples",
    text: '~LST({X,Y}, {1, a},{2,b}) "t${X}${Y}"\n~LST({X,Y}, 1) "u${X}${Y}."',
    words: ["t1a", "t2b", "u1."],
  },
  {
    what: "lists that cannot be, as nothing",
    text: '~LST(A) "a"\n~LST({X,Y}, {1,2,3}) "b"\n~LST(A, p q) "c"',
    words: [],
  },
  {
    what: "a block that is repeated",
    text: '$B="b${N}" \\\n"c${N}"\n~SEQ(N,1,2) $B',
    words: ["b1", "c1", "b2", "c2"],
  },
  {
    what: "a sequence out of a definition",
    text: '$S=~SEQ(A,1,2) "a${A}"\n$S',
    words: ["a1", "a2"],
  },
  {
    what: "definitions and conditions behind a sequence",
    text: '~SEQ(A,1,2) $W=v${A}\n"${W}"\n~SEQ(A,1,2) @lb1 "c${A}"\n@lb1 ~SEQ(A,1,2) "d${A}"',
    words: ["v2", "c1", "c2", "d1", "d2"],
  },
  {
    what: "a value that stays after its sequence",
    text: '~SEQ(A,1,2) "a"\n"${A}"',
    words: ["a", "a", "2"],
  },
  {
    what: "a sequence that does not begin its line, as text",
    text: '"x" ~SEQ(A,1,2) "y"',
    words: ["x"],
  },
  { what: "a definition with braces", text: "$B=blk {\n$B", words: ["blk"] },
  {
    what: "random numbers between bounds",
    text: '"r${_RANDOM 7 7}"',
    words: ["r7"],
    asPeer: false,
  },
  {
    what: "a condition out of a definition: 2.4 does not look at it again",
    text: '$C=@lb1 "a"\n$C\n"b"',
    words: ["b"],
    asPeer: false,
  },
  {
    what: "a sign of a comment out of a definition as itself",
    text: '$A=a\\#b\nk${A}\n"k${A}"',
    words: ["ka#b", "ka#b"],
    asPeer: false,
  },
  {
    what: "definitions that use themselves, as nothing",
    text: '$A=x${A}\n"${A}"\n$B=${C}\n$C=${B}\n"${B}"\n"z"',
    words: ["z"],
    asPeer: false,
  },
];

/** What stands in the files below, by path. */
export const INCLUDED_FILES: Readonly<Record<string, string>> = {
  "sub/one.conf": '"one"\n$LATE=1',
  "sub/two.conf": '"two"\ninclude three.inc',
  "sub/three.inc": '"three"',
  "sub/.hidden.conf": '"hidden"',
  "loop.conf": '"loop"',
  "sp ace.conf": '"space"',
};

/** How includes end, for `keepalived -t` too. */
export interface IncludeCase {
  readonly text: string;
  readonly words: readonly string[];
  /** `keepalived -t` ends with 6. */
  readonly fatal?: true;
  /** With option -e. */
  readonly strict?: true;
}

/** All of them in a folder with the files above and an empty folder "d". */
export const INCLUDE_CASES: readonly IncludeCase[] = [
  { text: "include sub/*.conf", words: ["one", "two", "three"] },
  { text: 'include sub/one.conf # comment\n"${LATE}"', words: ["one", "1"] },
  { text: "include sub/{two,one}.conf", words: ["two", "three", "one"] },
  { text: "include sub/{{one,thr*}.conf,th*}", words: ["one", "three"] },
  {
    text: "include sub/*.con[f]\ninclude sub/o??.conf\ninclude sub/[!to]*",
    words: ["one", "two", "three", "one"],
  },
  { text: "include sp ace.conf\ninclude sp\\ ace.conf", words: ["space", "space"] },
  { text: 'include nope.conf\n"after"', words: ["after"] },
  { text: 'include nope*.conf\n"after"', words: ["after"] },
  { text: 'include sub/{one,nope}.conf\n"after"', words: ["one", "after"] },
  { text: 'include d\ninclude run.conf\n"after"', words: ["after"] },
  { text: 'include "sub/one.conf"\n"after"', words: ["after"] },
  { text: "@lb1 include sub/one.conf\n@lb2 include sub/two.conf", words: ["one"] },
  { text: "$F=sub\ninclude ${F}/one.conf\n$I=include sub/one.conf\n$I", words: ["one", "one"] },
  { text: "x { include sub/one.conf\n}", words: ["x", "one"] },
  ...["includer", "includem", "includew", "includeb", "includea"].flatMap((word) => [
    { text: `${word} sub/one.conf`, words: ["one"] },
    { text: `${word} run.conf`, words: [], fatal: true as const },
    {
      text: `${word} nope.conf`,
      words: [],
      ...["includem", "includew", "includea"].includes(word) ? { fatal: true as const } : {},
    },
    {
      text: `${word} nope*.conf`,
      words: [],
      ...["includew", "includea"].includes(word) ? { fatal: true as const } : {},
    },
    {
      text: `${word} sub/{one,nope}.conf`,
      words: ["one"],
      ...["includeb", "includea"].includes(word) ? { fatal: true as const } : {},
    },
  ]),
  { text: "global_defs {\ninclude_check\n}\ninclude nope.conf", words: [], fatal: true },
  { text: "global_defs {\ninclude_check match\n}\ninclude nope*.conf", words: [] },
  { text: "global_defs {\ninclude_check match\n}\ninclude nope.conf", words: [], fatal: true },
  { text: "include nope.conf", words: [], fatal: true, strict: true },
  { text: "global_defs {\ninclude_check -match\n}\ninclude nope.conf", words: [], strict: true },
];
