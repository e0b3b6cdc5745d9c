#include "walk_state.h"
#include <algorithm>
#include <cstring>

namespace code {
Scratch *make_scratch() { return new Scratch; }
void free_scratch(Scratch *scratch) { delete scratch; }

uint32_t Walk::match_rules(uint32_t node, int place) {
  uint32_t bits = 0, groups = 0;
  for (int index : table.rules_of[tree.symbol[node]]) {
    const Rule &rule = table.rules[index];
    if (rule.group > 0 && (groups & (1u << rule.group))) continue;
    if (rule.parents >= 0 && !in_set(rule.parents, tree.parent[node])) continue;
    if (rule.fields >= 0 && !field_in(rule.fields, node)) continue;
    bool holds = true;
    for (const Condition &condition : rule.conditions)
      if (!finder.holds(condition, node, place)) {
        holds = false;
        break;
      }
    if (!holds) continue;
    bits |= rule.bits;
    if (rule.group == 0) continue;
    groups |= 1u << rule.group;
    if (rule.entity > 0) s.matched.push_back(&rule);
    else body_rule = index;
  }
  return bits;
}

int Walk::name_node_of(const Rule &rule, uint32_t node) {
  int found = finder.first(node, rule.name);
  if (found >= 0) return found;
  for (const NameFrom &from : rule.name_from)
    if (in_set(from.parent, tree.parent[node])) return finder.first(tree.parent[node], from.paths);
  return -1;
}

void Walk::define(uint32_t node, int name_node, int name, int kind, const Frame &frame) {
  if (name < 0 || name_node < 0) return;
  tree.flags[name_node] |= FLAT_DEFINES;
  Span place = span(node);
  add(kDefinitions, name, kind, place.start, place.end, place.row, place.row_end, s.lines.row_of(tree.start[name_node]),
      tree.start[name_node], tree.end[name_node], frame.scope, frame.fn - 1);
}

int Walk::open_function(const Rule &rule, uint32_t node, const Frame &frame) {
  int name_node = name_node_of(rule, node);
  FunctionState state;
  state.node = node;
  state.name = rule.named >= 0 ? s.names.constant(rule.named) : defined_name(rule, name_node);
  state.kind = s.names.constant(rule.as == table.function_word && frame.place == kClassPlace ? table.method_word : rule.as);
  define(node, name_node, state.name, state.kind, frame);
  state.name_node = state.name >= 0 ? name_node : -1;
  state.parent = frame.fn - 1;
  state.scope = frame.scope;
  state.depth = frame.fn == 0 ? 0 : frame.nesting + 1;
  s.functions.push_back(std::move(state));
  open_level();
  return static_cast<int>(s.functions.size());
}

int Walk::open_scope(const Rule &rule, uint32_t node, const Frame &frame) {
  int name_node = name_node_of(rule, node);
  int name = defined_name(rule, name_node);
  int kind = s.names.constant(rule.as);
  define(node, name_node, name, kind, frame);
  add(kScopes, name, kind);
  add_span(kScopes, node);
  add(kScopes, name >= 0 ? static_cast<int>(tree.start[name_node]) : -1, frame.scope, frame.fn - 1);
  return rows(kScopes) - 1;
}

void Walk::apply(const Rule &rule, uint32_t node, const Frame &frame, Frame &next) {
  switch (rule.entity) {
    case kFunction:
    case kLambda:
      if (next.opens_function) return;
      next.fn = open_function(rule, node, frame);
      next.place = kFunctionPlace;
      next.nesting = next.base = 0;
      next.body = next.run = next.initializer = -1;
      next.opens_function = true;
      return;
    case kClass:
    case kModule:
      next.scope = open_scope(rule, node, frame);
      next.place = rule.entity == kClass ? kClassPlace : kModulePlace;
      return;
    case kParameter: {
      int name = rule.named >= 0 ? s.names.constant(rule.named) : name_at(name_node_of(rule, node));
      if (name >= 0 && frame.fn > 0) state_of(frame.fn).parameters.push_back(name);
      return;
    }
    case kDefinition: {
      int name_node = name_node_of(rule, node);
      // one after the other: names are numbered as they come, and C++ may evaluate arguments in any order
      int name = defined_name(rule, name_node);
      int kind = s.names.constant(rule.as);
      define(node, name_node, name, kind, frame);
      return;
    }
    case kImport: {
      int specifier = unquoted(finder.first(node, rule.specifier));
      int form = s.names.constant(rule.form);
      add(kImports, specifier, form);
      add_span(kImports, node);
      add(kImports, rows(kImportNames), 0, frame.fn - 1);
      next.import = rows(kImports) - 1;
      return;
    }
    case kImportName: {
      // Names of one import stand together in the record.
      if (next.import < 0 || next.import != rows(kImports) - 1) return;
      int name = rule.named >= 0 ? s.names.constant(rule.named) : unquoted(name_node_of(rule, node));
      if (name < 0) return;
      int alias = rule.alias.empty() ? -1 : name_at(finder.first(node, rule.alias));
      add(kImportNames, name, alias);
      s.sections[kImports][next.import * kWidths[kImports] + 7]++;
      return;
    }
    case kCall: {
      int name_node = name_node_of(rule, node);
      int simple = name_node >= 0 && tree.size[name_node] == 1 ? name_at(name_node) : -1;
      uint32_t at = tree.start[simple >= 0 ? static_cast<uint32_t>(name_node) : node];
      int receiver = rule.receiver.empty() ? -1 : name_at(finder.first(node, rule.receiver));
      add(kCalls, simple, receiver, s.lines.row_of(at), at, frame.fn - 1);
      return;
    }
    case kTest: {
      int name = unquoted(name_node_of(rule, node));
      int kind = s.names.constant(rule.as);
      int state = s.names.constant(rule.state);
      add(kTests, name, kind, state);
      add_span(kTests, node);
      add(kTests, frame.test, frame.fn - 1);
      next.test = rows(kTests) - 1;
      return;
    }
    case kInitializer: {
      int value = finder.first(node, rule.specifier);
      if (value < 0) return;
      int name = name_at(name_node_of(rule, node));
      add(kInitializers, name);
      add_span(kInitializers, static_cast<uint32_t>(value));
      add(kInitializers, frame.fn - 1, 1);
      next.initializer = rows(kInitializers) - 1;
      next.initializer_from = value;
      return;
    }
    default: {
      int matcher = name_at(name_node_of(rule, node));
      add(kAssertions, matcher);
      add_span(kAssertions, node);
      add(kAssertions, frame.test, frame.fn - 1);
    }
  }
}

constexpr uint32_t kFraming = kBoolean | kTransparent | kNest | kChain | kInterpolation | kString;

void Walk::enter(uint32_t node, uint32_t bits, const Frame &frame) {
  bool direct = frame.node >= 0 && tree.parent[node] == frame.node;
  Frame next = frame;
  next.node = static_cast<int>(node);
  next.end = node + tree.size[node];
  next.body = next.run = -1;
  next.opens_function = false;
  bool changed = (bits & kFraming) != 0 || !s.matched.empty();
  if (direct && frame.body >= 0) {
    const Rule &rule = table.rules[frame.body];
    if ((rule.body_fields < 0 && rule.body_kinds < 0) || (rule.body_fields >= 0 && field_in(rule.body_fields, node)) ||
        (rule.body_kinds >= 0 && in_set(rule.body_kinds, static_cast<int>(node)))) {
      next.nesting++;
      changed = true;
    }
  }
  if (bits & kChain) {
    next.nesting = frame.base;
    next.body = body_rule;
  } else if (bits & kNest) {
    FunctionState &state = state_of(frame.fn);
    state.own += 1 + next.nesting;
    state.structures++;
    state.nesting = std::max(state.nesting, next.nesting + 1);
    next.base = next.nesting;
    next.body = body_rule;
  }
  if (bits & kBoolean) {
    if (direct && frame.run >= 0) next.run = frame.run;
    else {
      s.last_of_run.push_back(-1);
      next.run = static_cast<int>(s.last_of_run.size()) - 1;
    }
  } else if ((bits & kTransparent) && direct) next.run = frame.run;
  if (bits & kString) next.in_string = true;
  if (bits & kInterpolation) next.in_string = false;
  if (!s.matched.empty()) {
    Frame around = frame;
    around.nesting = next.nesting;
    for (const Rule *rule : s.matched) apply(*rule, node, around, next);
  }
  if (changed && tree.size[node] > 1) s.frames.push_back(next);
  else if (next.opens_function) close_function(next.fn);
}

void Walk::close_function(int fn) {
  FunctionState &state = s.functions[fn - 1];
  state.halstead = close_level();
  if (state.parent < 0) {
    file.inner += state.own + state.inner;
    return;
  }
  FunctionState &outer = s.functions[state.parent];
  int structures = state.structures + state.inner_structures;
  outer.inner += state.own + state.inner + structures * state.depth;
  outer.inner_structures += structures;
}

void Walk::mark(uint32_t node, uint8_t bit) {
  const std::vector<uint32_t> &starts = s.lines.starts;
  uint32_t last = static_cast<uint32_t>(starts.size()) - 2;
  while (row < last && starts[row + 1] <= tree.start[node]) row++;
  for (uint32_t at = row; at <= last && (at == row || starts[at] < tree.end[node]); at++) s.lines.marks[at] |= bit;
}

void Walk::add_leaf(uint32_t node, uint32_t bits, const Frame &frame) {
  if (frame.in_string || tree.start[node] == tree.end[node]) return;
  uint8_t first = bytes[tree.start[node]];
  if (first == '\n' || first == '\r') return;
  mark(node, kCodeLine);
  if ((bits & kReference) && !(tree.flags[node] & FLAT_DEFINES)) {
    int name = name_at(static_cast<int>(node));
    if (name >= 0) add(kReferences, name, row, tree.start[node], frame.fn - 1);
  }
  if (bits & kIgnored) return;
  if ((bits & kOperator) || (!(bits & kOperand) && !(tree.flags[node] & FLAT_NAMED)))
    count_operator(tree.symbol[node] == FLAT_ERROR ? 0 : table.canonical[tree.symbol[node]]);
  else count_operand(s.names.text(tree.start[node], tree.end[node]));
}

void Walk::run() {
  s.frames.push_back({-1, tree.count, 0, -1, kFilePlace, 0, 0, -1, -1, false, -1, -1, -1, -1, false});
  open_level();
  for (uint32_t node = 0; node < tree.count;) {
    while (node >= s.frames.back().end) {
      if (s.frames.back().opens_function) close_function(s.frames.back().fn);
      s.frames.pop_back();
    }
    // Entering a node moves the frames, but only nodes with children are entered, and nothing reads this one after that.
    const Frame &frame = s.frames.back();
    s.matched.clear();
    body_rule = -1;
    uint32_t bits = 0;
    if (tree.symbol[node] == FLAT_ERROR) {
      errors++;
      if (tree.start[node] >= error_end) {
        error_bytes += static_cast<int>(tree.end[node] - tree.start[node]);
        error_end = tree.end[node];
      }
    } else {
      bits = table.bits[tree.symbol[node]];
      if (bits & kHasRules) bits |= match_rules(node, frame.place);
      if (tree.flags[node] & FLAT_MISSING) errors++;
    }
    if ((bits & kComment) && !frame.in_string) {
      mark(node, kCommentLine);
      add_span(kComments, node);
      node += tree.size[node];
      continue;
    }
    if (bits & (kBranch | kStatement | kFlat)) {
      FunctionState &state = state_of(frame.fn);
      bool own = frame.initializer >= 0 && static_cast<int>(node) >= frame.initializer_from;
      for (int profile = 0; profile < 4; profile++) {
        int decision = (bits >> profile) & 1;
        if (own && profile == kEslintProfile) s.sections[kInitializers][frame.initializer * kWidths[kInitializers] + 6] += decision;
        else state.branches[profile] += decision;
      }
      if (bits & kStatement) state.logical++;
      if (bits & kFlat) state.own++;
    }
    if ((bits & (kBooleanOperator | kBooleanFree)) && tree.parent[node] == frame.node && frame.run >= 0) {
      int symbol = table.canonical[tree.symbol[node]];
      if ((bits & kBooleanOperator) && s.last_of_run[frame.run] != symbol) state_of(frame.fn).own++;
      s.last_of_run[frame.run] = symbol;
    }
    bool is_string = (bits & kString) && !frame.in_string;
    if (is_string) {
      mark(node, kCodeLine);
      add_span(kStrings, node);
      count_operand(s.names.text(tree.start[node], tree.end[node]));
    }
    if ((frame.body >= 0 && tree.parent[node] == frame.node) || !s.matched.empty() || (bits & kFraming)) enter(node, bits, frame);
    if (tree.size[node] == 1 && !is_string) add_leaf(node, bits, frame);
    node++;
  }
  while (!s.frames.empty()) {
    if (s.frames.back().opens_function) close_function(s.frames.back().fn);
    s.frames.pop_back();
  }
}

void Walk::finish(std::vector<int32_t> &out) {
  s.lines.sum();
  for (size_t i = s.functions.size(); i-- > 0;) state_of(s.functions[i].parent + 1).logical += s.functions[i].logical;
  for (FunctionState &state : s.functions) {
    Span place = span(state.node);
    auto lines = s.lines.between(place.row, place.row_end + 1);
    int name_start = state.name_node < 0 ? -1 : static_cast<int>(tree.start[state.name_node]);
    int name_end = state.name_node < 0 ? -1 : static_cast<int>(tree.end[state.name_node]);
    add(kFunctions, state.name, state.kind, place.start, place.end, place.row, place.row_end, name_start, name_end, state.parent, state.scope);
    add(kFunctions, s.sections[kParameters].size(), state.parameters.size(), state.nesting);
    for (int decisions : state.branches) add(kFunctions, decisions + 1);
    add(kFunctions, state.own + state.inner, state.own, state.structures + state.inner_structures, state.depth);
    for (int figure : state.halstead) add(kFunctions, figure);
    add(kFunctions, lines.source, table.statements ? state.logical : -1, lines.comment, lines.blank);
    for (int parameter : state.parameters) add(kParameters, parameter);
  }
  auto lines = s.lines.between(0, s.lines.physical);
  std::array<int, 4> halstead = close_level();
  const int header[kHeader] = {kRecordVersion, s.names.count(), s.names.bytes_used(), static_cast<int>(length),
                               !is_utf8(bytes, length) ? kEncoding : errors > 0 ? kSyntax : kComplete, errors, error_bytes,
                               static_cast<int>(tree.count), static_cast<int>(s.lines.physical), lines.source,
                               table.statements ? file.logical : -1, lines.comment, lines.blank, file.branches[0], file.branches[1],
                               file.branches[2], file.branches[3], file.own + file.inner, file.own, halstead[0], halstead[1],
                               halstead[2], halstead[3], file.nesting, -1, -1, -1, -1, -1, -1, -1, -1};
  int first = kHeader + kSections * 2;
  size_t numbers = static_cast<size_t>(first);
  for (auto &section : s.sections) numbers += section.size();
  out.assign(numbers + s.names.count() + (s.names.bytes_used() + 3) / 4, 0);
  std::memcpy(out.data(), header, sizeof(header));
  size_t at = static_cast<size_t>(first);
  for (int i = 0; i < kSections; i++) {
    out[kHeader + i * 2] = static_cast<int32_t>(at);
    out[kHeader + i * 2 + 1] = rows(static_cast<Section>(i));
    if (!s.sections[i].empty()) std::memcpy(out.data() + at, s.sections[i].data(), s.sections[i].size() * sizeof(int32_t));
    at += s.sections[i].size();
  }
  s.names.write(out.data() + numbers);
}

void walk_tree(FlatTree &tree, const Table &table, const uint8_t *bytes, uint32_t length, Scratch &scratch, std::vector<int32_t> &out) {
  Walk walk(tree, table, bytes, length, scratch);
  walk.run();
  walk.finish(out);
}
}  // namespace code
