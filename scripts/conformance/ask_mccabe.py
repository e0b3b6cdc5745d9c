"""What mccabe says about each function it looks at: one JSON object per file named on standard input."""
import ast
import json
import sys

import mccabe

print(json.dumps({"version": mccabe.__version__, "python": "%d.%d" % sys.version_info[:2]}))
for path in sys.stdin.read().splitlines():
    with open(path, "rb") as file:
        source = file.read()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        print(json.dumps({"path": path, "functions": None}))
        continue
    visitor = mccabe.PathGraphingAstVisitor()
    visitor.preorder(tree, visitor)
    functions = [
        {"line": graph.lineno, "column": graph.column, "name": graph.entity, "value": graph.complexity()}
        for graph in visitor.graphs.values()
        if not graph.entity.startswith(("If ", "Loop ", "TryExcept "))
    ]
    print(json.dumps({"path": path, "functions": functions}))
