import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { languageOf } from '../../../src/core/parsing/index.ts'
import { plantFaults } from '../../../src/core/validation/faults/faults.ts'
import { temporaryFolder } from '../../support/isolation.ts'
import { hasProgram } from '../../support/toolchain.ts'

/** Texts full of places where a careless fault does not compile: array lengths, labels, patterns, unused names, bounds. */
const GO = `package demo

import (
	"fmt"
	"os"
	"strings"
)

type pair [2]int

const limit = 10

var widest uint8 = 255

func Kind(n int) string {
	switch n {
	case 1:
		return "one"
	case 2:
		return "two"
	}
	return ""
}

func Sum(list []int) (total int, err error) {
	for i := 0; i < len(list); i++ {
		total += list[i]
	}
	if err := check(total); err != nil {
		return 0, err
	}
	fixed := [3]int{1, 2, 3}
	total += fixed[2]
	return total, nil
}

func check(n int) error {
	if n > limit && n != 11 {
		fmt.Fprintln(os.Stderr, "too much")
		return fmt.Errorf("%d", n)
	}
	return nil
}

func Join(a, b string) string { return strings.ToUpper(a + b) }

func Forever(stop func() bool) int {
	for {
		if stop() {
			return 1
		}
	}
}

func Other(n int) bool { return n != 3 && n != 4 }

func Must(ok bool) pair {
	if !ok {
		panic("no")
	}
	return pair{1, 2}
}
`

const RUST = `#![allow(dead_code, unused_comparisons)]
pub struct Pair(pub i32, pub i32);
const LIMIT: usize = 3;
pub fn kind(n: u8, on: bool) -> &'static str {
    match (n, on) {
        (1, true) => return "one",
        (255, false) => "last",
        (2..=5, _) => "few",
        _ => "many",
    }
}
pub fn sum(list: &[i32]) -> i32 {
    let mut total = 0;
    let fixed = [1, 2, 3];
    let mut index = 0;
    while index < LIMIT {
        total += fixed[index];
        index += 1;
    }
    if let Some(first) = list.first() {
        total += first;
    }
    if total > 5 && list.len() != 2 {
        print(total);
        return -total;
    }
    let pair = Pair(1, 2);
    total + pair.1 + fixed[2]
}
fn print(n: i32) {
    println!("{}", n);
}
pub fn small() -> u8 {
    return 255;
}
pub fn name() -> String {
    return "a".to_string();
}
pub fn must(ok: bool) -> bool {
    if !ok {
        std::process::exit(1);
    }
    loop {
        if ok == false { return ok || false; }
        return true;
    }
}
`

const C = `#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#if 1
#define SIZE 4
#endif
enum color { RED = 1, GREEN = 2 };
struct flags { unsigned a : 3; };
static const int table[3] = { 1, 2, 3 };
static void note(int n) { printf("%d\\n", n); }
const char *kind(int n) {
  switch (n) {
  case 1:
    return "one";
  case 2:
    return "two";
  default:
    return NULL;
  }
}
int sum(const int *list, size_t count) {
  int total = 0;
  for (size_t i = 0; i < count; i++) total += list[i];
  while (true) {
    if (total > 10 && list != NULL) break;
    total = total + table[1];
    note(total);
  }
  if (!total) exit(2);
  return total;
}
bool flag(void) { return true; }
`

const TYPESCRIPT = `import { strict as assert } from './assert.js'

export type Mode = true | 3
export function size(list: readonly number[], mode?: Mode): number {
  let total = 0
  for (let i = 0; i < list.length; i++) total += list[i]!
  if (total > 10 && list.length !== 3) {
    assert(total)
    return total
  }
  while (true) {
    total++
    if (total >= 20) return total
  }
}
export const name = (on: boolean): string => {
  if (on === false) return ''
  return on ? 'a' : 'b'
}
`

const folder = temporaryFolder('singularity-faults-')
afterAll(() => folder.remove())

/** Every fault of a text in a file of its own, `place(n)`; answers how many there are and the kinds. */
function spread(text: string, place: (n: number) => string, rewrite: (text: string, n: number) => string = (same) => same): string[] {
  const language = languageOf(place(0))!
  const bytes = Buffer.from(text)
  const faults = plantFaults({ text, language, seed: 1, max: 1000, compiled: true })
  for (const [n, fault] of faults.entries()) {
    const changed = Buffer.concat([bytes.subarray(0, fault.start), Buffer.from(fault.text), bytes.subarray(fault.end)]).toString()
    expect(changed).not.toBe(text)
    const path = join(folder.path, place(n))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, rewrite(changed, n))
  }
  return [...new Set(faults.map(({ kind }) => kind))].toSorted()
}

function compile(command: string, args: readonly string[], cwd = folder.path): string {
  try {
    execFileSync(command, args, { cwd, stdio: 'pipe', encoding: 'utf8', timeout: 120_000 })
    return ''
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    return `${stdout}${stderr}`.slice(0, 3000)
  }
}

const needs = (tool: string): ReturnType<typeof it.skipIf> => it.skipIf(!hasProgram(tool))

describe('every fault planted in a compiled language compiles', { timeout: 180_000 }, () => {
  needs('go')('go, and go vet as go test runs it', () => {
    writeFileSync(join(folder.path, 'go.mod'), 'module example.org/demo\n\ngo 1.19\n')
    const kinds = spread(GO, (n) => `go/f${n}/demo.go`)
    expect(kinds).not.toContain('arithmetic')
    expect(kinds).toEqual(expect.arrayContaining(['call', 'condition', 'number', 'return']))
    expect(compile('go', ['vet', '-bools', '-printf', './...'])).toBe('')
  })

  needs('rustc')('rust', () => {
    let modules = ''
    const kinds = spread(
      RUST,
      (n) => `rust/f${n}.rs`,
      (text, n) => {
        modules += `mod f${n};\n`
        return text.replace(/^#!.*\n/, '')
      },
    )
    expect(kinds).toEqual(expect.arrayContaining(['boolean', 'call', 'condition', 'number', 'return']))
    writeFileSync(join(folder.path, 'rust/lib.rs'), `#![allow(warnings)]\n${modules}`)
    expect(compile('rustc', ['--crate-type', 'lib', '--emit=metadata', '--out-dir', '.', 'rust/lib.rs'])).toBe('')
  })

  needs('gcc')('c', () => {
    const kinds = spread(C, (n) => `c/f${n}.c`)
    expect(kinds).toEqual(expect.arrayContaining(['boolean', 'call', 'condition', 'number', 'return']))
    expect(compile('sh', ['-c', 'gcc -fsyntax-only -Wall -Werror=implicit c/*.c'])).toBe('')
  })

  it('typescript behind a type check', () => {
    mkdirSync(join(folder.path, 'ts'), { recursive: true })
    writeFileSync(join(folder.path, 'ts/assert.ts'), 'export function strict(value: unknown): void {\n  if (!value) throw new Error()\n}\n')
    writeFileSync(join(folder.path, 'package.json'), '{ "type": "module" }\n')
    const kinds = spread(TYPESCRIPT, (n) => `ts/f${n}.ts`)
    expect(kinds).toEqual(expect.arrayContaining(['call', 'condition']))
    writeFileSync(
      join(folder.path, 'tsconfig.json'),
      '{ "compilerOptions": { "strict": true, "noEmit": true, "module": "nodenext", "target": "es2022", "types": [] }, "include": ["ts"] }\n',
    )
    expect(compile('node', [join(import.meta.dirname, '../../../node_modules/typescript/bin/tsc'), '-p', '.'])).toBe('')
  })
})
