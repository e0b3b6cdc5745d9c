#pragma once
#include <array>
#include <vector>
#include "lines.h"
#include "names.h"
#include "paths.h"
#include "walk.h"

namespace code {
constexpr int kRecordVersion = 2;
constexpr int kHeader = 32;
enum Section { kFunctions, kParameters, kScopes, kImports, kImportNames, kCalls, kDefinitions, kReferences, kTests, kAssertions, kComments, kStrings, kInitializers, kSections };
constexpr int kWidths[kSections] = {29, 1, 9, 9, 2, 5, 11, 4, 9, 7, 4, 4, 7};
/** Places in the header. */
enum At { kVersionAt, kNamesAt, kNameBytesAt, kSizeAt, kPartialAt, kErrorsAt };

/** Of the four figures per profile. */
constexpr int kEslintProfile = 1;

struct FunctionState {
  uint32_t node = 0;
  int name = -1, kind = -1, name_node = -1, parent = -1, scope = -1;
  std::vector<int> parameters;
  std::array<int, 4> branches{};
  int own = 0, structures = 0, inner = 0, inner_structures = 0, depth = 0, nesting = 0, logical = 0;
  std::array<int, 4> halstead{};
};

struct Frame {
  int node;
  uint32_t end;
  int fn, scope, place, nesting, base, body, run;
  bool in_string;
  int test, import;
  /** Row of the initializer that what follows belongs to, from `initializer_from` on; or -1. */
  int initializer, initializer_from;
  bool opens_function;
};

struct Level {
  uint32_t since;
  int n1, n2, before1, before2;
};
struct Scratch {
  Lines lines;
  Names names;
  std::vector<int> sections[kSections];
  std::vector<FunctionState> functions;
  std::vector<Frame> frames;
  std::vector<Level> levels;
  std::vector<uint32_t> last_operator, last_operand;
  std::vector<int> last_of_run;
  std::vector<const Rule *> matched;
};

/** What one walk knows while it runs; its methods stand in walk.cc. */
class Walk {
 public:
  Walk(FlatTree &tree, const Table &table, const uint8_t *bytes, uint32_t length, Scratch &s)
      : tree(tree), table(table), bytes(bytes), length(length), s(s), finder(tree, table, bytes) {
    s.lines.fill(bytes, length);
    s.names.reset(bytes, table);
    for (auto &section : s.sections) section.clear();
    s.functions.clear();
    s.frames.clear();
    s.levels.clear();
    s.last_operator.assign(table.bits.size(), 0);
    s.last_operand.clear();
    s.last_of_run.clear();
  }

  void run();
  void finish(std::vector<int32_t> &out);

 private:
  FlatTree &tree;
  const Table &table;
  const uint8_t *bytes;
  uint32_t length;
  Scratch &s;
  Finder finder;
  FunctionState file;
  int errors = 0, error_bytes = 0;
  uint32_t error_end = 0, row = 0, tick = 1;
  int total1 = 0, total2 = 0, body_rule = -1;

  FunctionState &state_of(int fn) { return fn == 0 ? file : s.functions[fn - 1]; }
  bool in_set(int set, int node) const { return node >= 0 && tree.symbol[node] != FLAT_ERROR && table.sets[set][tree.symbol[node]]; }
  bool field_in(int set, uint32_t node) const { return tree.field[node] != 0 && table.sets[set][tree.field[node]]; }

  template <class... Values>
  void add(Section section, Values... values) {
    (s.sections[section].push_back(static_cast<int>(values)), ...);
  }
  int rows(Section section) const { return static_cast<int>(s.sections[section].size()) / kWidths[section]; }

  struct Span {
    int start, end, row, row_end;
  };
  Span span(uint32_t node) {
    uint32_t start = tree.start[node], end = tree.end[node];
    uint32_t first = s.lines.row_of(start);
    uint32_t last = end <= start ? first : s.lines.row_of(end - 1);
    return {static_cast<int>(start), static_cast<int>(end), static_cast<int>(first), static_cast<int>(last)};
  }
  void add_span(Section section, uint32_t node) {
    Span place = span(node);
    add(section, place.start, place.end, place.row, place.row_end);
  }
  int name_at(int node) { return node < 0 ? -1 : s.names.name(tree.start[node], tree.end[node]); }
  int unquoted(int node) { return node < 0 ? -1 : s.names.unquoted(tree.start[node], tree.end[node]); }

  uint32_t match_rules(uint32_t node, int place);
  int name_node_of(const Rule &rule, uint32_t node);
  int defined_name(const Rule &rule, int name_node) { return rule.unquoted ? unquoted(name_node) : name_at(name_node); }
  void define(uint32_t node, int name_node, int name, int kind, const Frame &frame);
  int open_function(const Rule &rule, uint32_t node, const Frame &frame);
  int open_scope(const Rule &rule, uint32_t node, const Frame &frame);
  void apply(const Rule &rule, uint32_t node, const Frame &frame, Frame &next);
  void enter(uint32_t node, uint32_t bits, const Frame &frame);
  void close_function(int fn);
  void mark(uint32_t node, uint8_t bit);
  void add_leaf(uint32_t node, uint32_t bits, const Frame &frame);

  void open_level() { s.levels.push_back({tick, 0, 0, total1, total2}); }
  std::array<int, 4> close_level() {
    Level level = s.levels.back();
    s.levels.pop_back();
    return {level.n1, level.n2, total1 - level.before1, total2 - level.before2};
  }
  void count_operator(uint32_t symbol) {
    total1++;
    uint32_t last = s.last_operator[symbol];
    for (size_t i = s.levels.size(); i-- > 0 && last < s.levels[i].since;) s.levels[i].n1++;
    s.last_operator[symbol] = tick++;
  }
  void count_operand(uint32_t text) {
    total2++;
    if (text >= s.last_operand.size()) s.last_operand.resize(text + 1, 0);
    uint32_t last = s.last_operand[text];
    for (size_t i = s.levels.size(); i-- > 0 && last < s.levels[i].since;) s.levels[i].n2++;
    s.last_operand[text] = tick++;
  }
};
}  // namespace code
