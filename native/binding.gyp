{
  "variables": {
    "tree_sitter": "<!(node -p \"require('node:path').dirname(require.resolve('tree-sitter/package.json')) + '/vendor/tree-sitter/lib'\")",
    "addon_api": "<!(node -p \"require('node-addon-api').include_dir\")"
  },
  "targets": [
    {
      "target_name": "code",
      "sources": ["src/core.c", "src/arena.cc", "src/walk.cc", "src/kept_trees.cc", "src/batch.cc", "src/addon.cc"],
      "include_dirs": ["<(tree_sitter)/include", "<(tree_sitter)/src", "<(addon_api)"],
      "defines": [
        "NAPI_VERSION=8",
        "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        "TREE_SITTER_HIDE_SYMBOLS",
        "TREE_SITTER_HIDDEN_SYMBOLS",
        "_GNU_SOURCE"
      ],
      "cflags": ["-fvisibility=hidden", "-Wno-unused-parameter"],
      "cflags_c": ["-std=c11"],
      "cflags_cc": ["-std=c++17", "-fno-exceptions", "-fno-rtti"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
      "conditions": [
        ["OS=='linux'", { "ldflags": ["-Wl,-z,nodelete"], "libraries": ["-ldl", "-lpthread"] }],
        ["OS=='mac'", {
          "xcode_settings": { "GCC_SYMBOLS_PRIVATE_EXTERN": "YES", "CLANG_CXX_LANGUAGE_STANDARD": "c++17" }
        }],
        ["OS=='win'", { "msvs_settings": { "VCCLCompilerTool": { "AdditionalOptions": ["/std:c++17", "/utf-8"] } } }]
      ]
    }
  ]
}
