import type { RunnerCase } from './case.ts'

const GO = 'package demo\n\nimport "testing"\n\n'
const RUST = 'use demo::add;\n\n'

export const GO_CASE: RunnerCase = {
  name: 'go',
  runner: 'go',
  tool: 'go',
  files: {
    'go.mod': 'module example.org/demo\n\ngo 1.19\n',
    'math.go': 'package demo\n\nfunc Add(a, b int) int {\n\treturn a + b\n}\n\nfunc Never(a int) int {\n\treturn a * 2\n}\n',
    'inner/inner.go': 'package inner\n\nfunc One() int { return 1 }\n',
  },
  suite: {
    'math_test.go': `${GO}func TestAdds(t *testing.T) {
	if Add(1, 2) != 3 {
		t.Fatal("sum")
	}
}

func TestIsWrong(t *testing.T) { t.Fatal("wrong") }

func TestSkipped(t *testing.T) { t.Skip("skipped") }

func TestGroup(t *testing.T) {
	t.Run("same", func(t *testing.T) {})
	t.Run("same", func(t *testing.T) {})
	t.Run("ünïcode name", func(t *testing.T) {})
}
`,
    'inner/inner_test.go': 'package inner\n\nimport "testing"\n\nfunc TestAlone(t *testing.T) {}\n',
  },
  statuses: {
    '::TestAdds': 'pass',
    '::TestIsWrong': 'fail',
    '::TestSkipped': 'skip',
    '::TestGroup': 'pass',
    '::TestGroup/same': 'pass',
    '::TestGroup/same#01': 'pass',
    '::TestGroup/ünïcode_name': 'pass',
    'inner::TestAlone': 'pass',
  },
  // as the report names it: a package by its folder
  selection: { files: ['inner'], ids: ['inner::TestAlone'] },
  coverage: { file: 'math.go', executed: [4], not: [8] },
  dies: {
    suite: {
      'math_test.go': `${GO}func init() { panic("dies on load") }\n\nfunc TestAdds(t *testing.T) {}\n`,
      'inner/inner_test.go': 'package inner\n\nimport "testing"\n\nfunc TestAlone(t *testing.T) {}\n',
    },
    error: '::(package)',
    healthy: 'inner::TestAlone',
  },
  exits: {
    'math_test.go': `package demo\n\nimport (\n\t"os"\n\t"testing"\n)\n\nfunc TestBefore(t *testing.T) {}\n\nfunc TestLeaves(t *testing.T) { os.Exit(0) }\n\nfunc TestWrong(t *testing.T) { t.Fatal("after") }\n`,
  },
  hangs: { 'math_test.go': `${GO}func TestHangs(t *testing.T) {\n\tfor {\n\t}\n}\n` },
  empty: {},
}

export const CARGO_CASE: RunnerCase = {
  name: 'cargo',
  runner: 'cargo',
  tool: 'cargo',
  files: {
    'Cargo.toml': '[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2021"\n',
    'Cargo.lock': 'version = 3\n\n[[package]]\nname = "demo"\nversion = "0.1.0"\n',
    'src/lib.rs': `/// Adds.
///
/// \`\`\`
/// assert_eq!(demo::add(1, 2), 3);
/// \`\`\`
pub fn add(a: i32, b: i32) -> i32 {
    a + b
}

#[cfg(test)]
mod tests {
    #[test]
    fn inline() {
        assert_eq!(super::add(1, 1), 2);
    }
}
`,
  },
  suite: {
    'tests/math.rs': `${RUST}#[test]
fn adds() {
    assert_eq!(add(1, 2), 3);
}

#[test]
fn is_wrong() {
    assert_eq!(add(1, 2), 4);
}

#[test]
#[ignore = "skipped"]
fn skipped() {}

#[test]
#[should_panic]
fn panics() {
    panic!("yes")
}

mod group {
    #[test]
    fn adds() {}
}
`,
  },
  statuses: {
    'src/lib.rs::tests::inline': 'pass',
    'tests/math.rs::adds': 'pass',
    'tests/math.rs::is_wrong': 'fail',
    'tests/math.rs::skipped': 'skip',
    'tests/math.rs::panics': 'pass',
    'tests/math.rs::group::adds': 'pass',
    '(doc-tests demo)::src/lib.rs - add': 'pass',
  },
  dies: { suite: { 'tests/math.rs': `${RUST}#[test]\nfn adds() { add(1) }\n` } },
  exits: {
    'tests/math.rs':
      '#[test]\nfn a_before() {}\n\n#[test]\nfn b_leaves() {\n    std::process::exit(0)\n}\n\n#[test]\nfn c_after() {\n    panic!()\n}\n',
  },
  hangs: { 'tests/math.rs': '#[test]\nfn hangs() {\n    loop {\n        std::hint::spin_loop()\n    }\n}\n' },
}

const CMAKE = 'cmake_minimum_required(VERSION 3.16)\nproject(demo C)\nenable_testing()\nadd_executable(check check.c)\n'
const CHECK =
  '#include <stdlib.h>\nint main(int argc, char **argv) {\n  if (argc > 2) for (;;) {}\n  return argc > 1 ? atoi(argv[1]) : 0;\n}\n'

export const CTEST_CASE: RunnerCase = {
  name: 'ctest',
  runner: 'ctest',
  tool: 'ctest',
  files: { 'check.c': CHECK },
  suite: {
    'CMakeLists.txt': `${CMAKE}add_test(NAME adds COMMAND check 0)
add_test(NAME is_wrong COMMAND check 1)
add_test(NAME skipped COMMAND check 77)
set_tests_properties(skipped PROPERTIES SKIP_RETURN_CODE 77)
add_test(NAME off COMMAND check 0)
set_tests_properties(off PROPERTIES DISABLED TRUE)
add_test(NAME absent COMMAND no-such-program)
`,
  },
  statuses: { '::adds': 'pass', '::is_wrong': 'fail', '::skipped': 'skip', '::off': 'skip', '::absent': 'error' },
  dies: { suite: { 'CMakeLists.txt': `${CMAKE}add_test(NAME adds COMMAND check 0)\n`, 'check.c': '#error dies on load\n' } },
  hangs: { 'CMakeLists.txt': `${CMAKE}add_test(NAME hangs COMMAND check 0 1)\n` },
  empty: { 'CMakeLists.txt': CMAKE },
}

export const COMMAND_CASE: RunnerCase = {
  name: 'command',
  runner: 'command',
  tool: 'sh',
  test: './check.sh',
  files: {},
  suite: { 'check.sh': { text: '#!/bin/sh\necho checked\n', mode: 0o755 } },
  statuses: { '::(suite)': 'pass' },
  coarse: true,
  dies: { suite: { 'check.sh': { text: '#!/bin/sh\nexit 3\n', mode: 0o755 } } },
  hangs: { 'check.sh': { text: '#!/bin/sh\nwhile :; do :; done\n', mode: 0o755 } },
  empty: { 'check.sh': { text: '#!/bin/sh\nexit 1\n', mode: 0o755 } },
}

export const COMMAND_TAP_CASE: RunnerCase = {
  name: 'command that prints TAP',
  runner: 'command',
  tool: 'sh',
  test: './check.sh',
  files: {},
  suite: {
    'check.sh': {
      text: '#!/bin/sh\nprintf "TAP version 13\\nok 1 - adds\\nnot ok 2 - is wrong\\nok 3 - later # SKIP no\\nok 4 - adds\\n1..4\\n"\nexit 1\n',
      mode: 0o755,
    },
  },
  statuses: { '::adds': 'pass', '::is wrong': 'fail', '::later': 'skip', '::adds #2': 'pass' },
}
