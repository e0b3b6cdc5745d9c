// The door to JavaScript: opens grammar files, takes compiled tables, reads batches off the main thread.
#include <napi.h>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>
#include "arena.h"
#include "kept_trees.h"
#include "batch.h"
#include "table.h"
#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace {
using namespace code;

struct Grammar {
  const TSLanguage *language;
  std::unique_ptr<Table> table;
};

/** Shared by all threads of JavaScript; grammars and tables are never taken back. */
std::mutex guard;
std::deque<Grammar> grammars;

void *find_symbol(const std::string &path, const std::string &symbol, std::string &error) {
#ifdef _WIN32
  HMODULE library = LoadLibraryA(path.c_str());
  if (!library) {
    error = "cannot be loaded, error " + std::to_string(GetLastError());
    return nullptr;
  }
  void *found = reinterpret_cast<void *>(GetProcAddress(library, symbol.c_str()));
#else
  // LAZY: the file also has a door to Node whose symbols may be missing. LOCAL: its names stay its own.
  void *library = dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (!library) {
    error = dlerror();
    return nullptr;
  }
  void *found = dlsym(library, symbol.c_str());
#endif
  if (!found) error = "has no " + symbol;
  return found;
}

/** openGrammar(path, symbol): the number of the grammar and the names of its symbols and fields. */
Napi::Value OpenGrammar(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  std::string path = info[0].As<Napi::String>(), symbol = info[1].As<Napi::String>(), error;
  void *found = find_symbol(path, symbol, error);
  if (!found) {
    Napi::Error::New(env, path + ": " + error).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const TSLanguage *language = reinterpret_cast<const TSLanguage *(*)()>(found)();
  uint32_t abi = ts_language_abi_version(language);
  if (abi < TREE_SITTER_MIN_COMPATIBLE_LANGUAGE_VERSION || abi > TREE_SITTER_LANGUAGE_VERSION) {
    Napi::Error::New(env, path + ": is made for another parser (version " + std::to_string(abi) + ")").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::Array names = Napi::Array::New(env), named = Napi::Array::New(env), fields = Napi::Array::New(env);
  for (uint32_t id = 0; id < ts_language_symbol_count(language); id++) {
    const char *name = ts_language_symbol_name(language, static_cast<TSSymbol>(id));
    TSSymbolType type = ts_language_symbol_type(language, static_cast<TSSymbol>(id));
    names[id] = name ? Napi::String::New(env, name).As<Napi::Value>() : env.Undefined();
    named[id] = Napi::Boolean::New(env, type == TSSymbolTypeRegular);
  }
  for (uint32_t id = 1; id <= ts_language_field_count(language); id++)
    fields[id] = Napi::String::New(env, ts_language_field_name_for_id(language, static_cast<TSFieldId>(id)));
  fields[0u] = env.Null();
  std::lock_guard<std::mutex> lock(guard);
  grammars.push_back({language, nullptr});
  Napi::Object result = Napi::Object::New(env);
  result["grammar"] = Napi::Number::New(env, static_cast<double>(grammars.size() - 1));
  result["abi"] = Napi::Number::New(env, abi);
  result["names"] = names;
  result["named"] = named;
  result["fields"] = fields;
  return result;
}

int number(const Napi::Object &object, const char *key) { return object.Get(key).As<Napi::Number>().Int32Value(); }

template <class Read>
auto list(const Napi::Value &value, Read read) {
  Napi::Array array = value.As<Napi::Array>();
  std::vector<decltype(read(Napi::Value()))> result;
  for (uint32_t i = 0; i < array.Length(); i++) result.push_back(read(array.Get(i)));
  return result;
}

std::string bytes_of(const Napi::Value &value) {
  Napi::Uint8Array array = value.As<Napi::Uint8Array>();
  return std::string(reinterpret_cast<const char *>(array.Data()), array.ByteLength());
}

Path path_of(const Napi::Value &value) {
  return list(value, [](const Napi::Value &each) {
    Napi::Object step = each.As<Napi::Object>();
    return Step{number(step, "op"), number(step, "arg")};
  });
}
Paths paths_of(const Napi::Value &value) { return list(value, path_of); }

Condition condition_of(const Napi::Value &value) {
  Napi::Object object = value.As<Napi::Object>();
  Condition condition;
  condition.negative = object.Get("negative").ToBoolean();
  condition.paths = paths_of(object.Get("paths"));
  condition.kinds = number(object, "kinds");
  condition.fields = number(object, "fields");
  condition.text = list(object.Get("text"), bytes_of);
  condition.prefix = list(object.Get("prefix"), bytes_of);
  condition.contains = list(object.Get("contains"), bytes_of);
  condition.scopes = static_cast<uint32_t>(number(object, "scopes"));
  return condition;
}

Rule rule_of(const Napi::Value &value) {
  Napi::Object object = value.As<Napi::Object>();
  Rule rule;
  rule.bits = static_cast<uint32_t>(number(object, "bits"));
  rule.entity = number(object, "entity");
  rule.group = number(object, "group");
  rule.parents = number(object, "parents");
  rule.fields = number(object, "fields");
  rule.conditions = list(object.Get("conditions"), condition_of);
  rule.as = number(object, "as");
  rule.named = number(object, "named");
  rule.unquoted = number(object, "unquoted");
  rule.form = number(object, "form");
  rule.state = number(object, "state");
  rule.name = paths_of(object.Get("name"));
  rule.name_from = list(object.Get("nameFrom"), [](const Napi::Value &each) {
    Napi::Object from = each.As<Napi::Object>();
    return NameFrom{number(from, "parent"), paths_of(from.Get("paths"))};
  });
  rule.specifier = paths_of(object.Get("specifier"));
  rule.alias = paths_of(object.Get("alias"));
  rule.receiver = paths_of(object.Get("receiver"));
  rule.body_fields = number(object, "bodyFields");
  rule.body_kinds = number(object, "bodyKinds");
  return rule;
}

/** setTable(grammar, compiledTable) */
Napi::Value SetTable(const Napi::CallbackInfo &info) {
  Napi::Object object = info[1].As<Napi::Object>();
  auto table = std::make_unique<Table>();
  Napi::Uint32Array bits = object.Get("bits").As<Napi::Uint32Array>();
  table->bits.assign(bits.Data(), bits.Data() + bits.ElementLength());
  Napi::Uint16Array canonical = object.Get("canonical").As<Napi::Uint16Array>();
  table->canonical.assign(canonical.Data(), canonical.Data() + canonical.ElementLength());
  table->rules_of = list(object.Get("rulesOf"), [](const Napi::Value &each) {
    return list(each, [](const Napi::Value &rule) { return rule.As<Napi::Number>().Int32Value(); });
  });
  table->rules = list(object.Get("rules"), rule_of);
  table->sets = list(object.Get("sets"), [](const Napi::Value &each) {
    std::string bytes = bytes_of(each);
    return std::vector<uint8_t>(bytes.begin(), bytes.end());
  });
  table->constants = list(object.Get("constants"), bytes_of);
  table->statements = object.Get("statements").ToBoolean();
  table->function_word = number(object, "functionWord");
  table->method_word = number(object, "methodWord");
  std::lock_guard<std::mutex> lock(guard);
  Grammar &grammar = grammars[info[0].As<Napi::Number>().Uint32Value()];
  // A batch may be reading by the first table.
  if (!grammar.table) grammar.table = std::move(table);
  return info.Env().Undefined();
}

class Batch : public Napi::AsyncWorker {
 public:
  Batch(Napi::Env env, const Napi::Array &files, Limits limits, bool parse_only)
      : Napi::AsyncWorker(env), deferred(Napi::Promise::Deferred::New(env)), limits(limits), kept(Napi::Persistent(files.As<Napi::Object>())) {
    std::lock_guard<std::mutex> lock(guard);
    for (uint32_t i = 0; i < files.Length(); i++) {
      Napi::Object file = files.Get(i).As<Napi::Object>();
      const Grammar &grammar = grammars[static_cast<size_t>(number(file, "grammar"))];
      Napi::Uint8Array bytes = file.Get("bytes").As<Napi::Uint8Array>();
      sources.push_back({grammar.language, parse_only ? nullptr : grammar.table.get(), bytes.Data(), static_cast<uint32_t>(bytes.ByteLength()),
                         file.Has("keep") ? static_cast<uint32_t>(number(file, "keep")) : 0});
    }
  }

  void Execute() override { read_batch(sources, limits, answers); }

  void OnOK() override {
    Napi::Env env = Env();
    Napi::Array result = Napi::Array::New(env, answers.size());
    for (uint32_t i = 0; i < answers.size(); i++) {
      const Answer &answer = answers[i];
      if (answer.outcome != kRead) {
        result[i] = Napi::String::New(env, answer.outcome == kTooLong ? "size" : "deadline");
        continue;
      }
      Napi::Int32Array record = Napi::Int32Array::New(env, answer.record.size());
      if (!answer.record.empty()) std::memcpy(record.Data(), answer.record.data(), answer.record.size() * sizeof(int32_t));
      result[i] = record;
    }
    deferred.Resolve(result);
  }

  void OnError(const Napi::Error &error) override { deferred.Reject(error.Value()); }

  Napi::Promise::Deferred deferred;

 private:
  Limits limits;
  Napi::ObjectReference kept;
  std::vector<Source> sources;
  std::vector<Answer> answers;
};

/** read(files {grammar, bytes, keep?}[], {threads, deadlineMs, maxBytes, parseOnly, arena}): a promise of records. */
Napi::Value Read(const Napi::CallbackInfo &info) {
  Napi::Object options = info[1].As<Napi::Object>();
  Limits limits;
  limits.threads = static_cast<uint32_t>(number(options, "threads"));
  limits.deadline_ms = static_cast<uint32_t>(number(options, "deadlineMs"));
  limits.max_bytes = static_cast<uint32_t>(number(options, "maxBytes"));
  limits.use_arena = !options.Has("arena") || options.Get("arena").ToBoolean();
  Batch *batch = new Batch(info.Env(), info[0].As<Napi::Array>(), limits, options.Get("parseOnly").ToBoolean());
  Napi::Promise promise = batch->deferred.Promise();
  batch->Queue();
  return promise;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  static std::once_flag once;
  std::call_once(once, arena::install);
  exports["openGrammar"] = Napi::Function::New(env, OpenGrammar);
  exports["setTable"] = Napi::Function::New(env, SetTable);
  exports["reusedTrees"] = Napi::Function::New(env, [](const Napi::CallbackInfo &info) { return Napi::Number::New(info.Env(), kept_trees::reused()); });
  exports["read"] = Napi::Function::New(env, Read);
  return exports;
}
}  // namespace

NODE_API_MODULE(code, Init)
