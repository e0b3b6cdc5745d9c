// A compiled language table: what src/core/parsing/compile-table.ts makes, in the same numbers.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace code {
enum : uint32_t {
  kBranch = 15,
  kNest = 16,
  kChain = 32,
  kFlat = 64,
  kBoolean = 128,
  kComment = 256,
  kString = 512,
  kInterpolation = 1024,
  kStatement = 2048,
  kOperator = 4096,
  kOperand = 8192,
  kIgnored = 16384,
  kReference = 32768,
  kTransparent = 65536,
  kBooleanOperator = 131072,
  kHasRules = 262144,
  kBooleanFree = 524288,
};

enum Entity { kNone, kFunction, kLambda, kClass, kModule, kParameter, kDefinition, kImport, kImportName, kCall, kTest, kAssertion, kInitializer };
enum StepKind { kField, kKind, kNth, kUp, kPrevious, kDeep, kDescendants };
enum Place { kFilePlace, kClassPlace, kModulePlace, kFunctionPlace };

struct Step {
  int op;
  int arg;
};
using Path = std::vector<Step>;
using Paths = std::vector<Path>;
using Words = std::vector<std::string>;

struct Condition {
  bool negative;
  Paths paths;
  int kinds;
  int fields;
  Words text, prefix, contains;
  uint32_t scopes;
};

struct NameFrom {
  int parent;
  Paths paths;
};

struct Rule {
  uint32_t bits;
  int entity, group, parents, fields;
  std::vector<Condition> conditions;
  int as, named, unquoted, form, state;
  Paths name;
  std::vector<NameFrom> name_from;
  Paths specifier, alias, receiver;
  int body_fields, body_kinds;
};

struct Table {
  std::vector<uint32_t> bits;
  std::vector<uint16_t> canonical;
  std::vector<std::vector<int>> rules_of;
  std::vector<Rule> rules;
  std::vector<std::vector<uint8_t>> sets;
  Words constants;
  bool statements = false;
  int function_word = -1, method_word = -1;
};
}  // namespace code
