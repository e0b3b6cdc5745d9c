import com.sun.source.tree.*;
import com.sun.source.util.*;
import java.nio.file.*;
import javax.tools.*;

/** Prints `path:line name` of every type and method that javac reads in the files named on standard input. */
public class Definitions {
  public static void main(String[] arguments) throws Exception {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null);
    for (String path : new String(System.in.readAllBytes()).split("\n")) {
      JavacTask task = (JavacTask) compiler.getTask(null, files, problem -> {}, null, null, files.getJavaFileObjects(path));
      SourcePositions positions = Trees.instance(task).getSourcePositions();
      String text = Files.readString(Path.of(path));
      for (CompilationUnitTree unit : task.parse()) {
        new TreeScanner<Void, String>() {
          /** The line of the name: modifiers and annotations stand before it. */
          void print(Tree tree, Tree modifiers, CharSequence name) {
            if (name.length() == 0) return;
            int from = (int) Math.max(positions.getStartPosition(unit, tree), positions.getEndPosition(unit, modifiers));
            java.util.regex.Matcher word = java.util.regex.Pattern.compile("\\b" + name + "\\b").matcher(text);
            if (word.find(from)) System.out.println(path + ":" + unit.getLineMap().getLineNumber(word.start()) + " " + name);
          }

          @Override
          public Void visitClass(ClassTree type, String around) {
            print(type, type.getModifiers(), type.getSimpleName());
            return super.visitClass(type, type.getSimpleName().toString());
          }

          @Override
          public Void visitMethod(MethodTree method, String around) {
            boolean constructor = method.getName().contentEquals("<init>");
            print(method, method.getReturnType() == null ? method.getModifiers() : method.getReturnType(), constructor ? around : method.getName());
            return super.visitMethod(method, around);
          }
        }.scan(unit, "");
      }
    }
  }
}
