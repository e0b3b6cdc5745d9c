import type { RunnerCase } from './case.ts'

const SOURCE = 'def add(a, b):\n    return a + b\n\n\ndef never(a):\n    return a * 2\n'
const COVERAGE = { file: 'src_math.py', executed: [2], not: [6] }
const PYTEST = 'import pytest\nfrom src_math import add\n\n'
const UNITTEST = 'import os\nimport unittest\nfrom src_math import add\n\n\nclass Sums(unittest.TestCase):\n'

export const PYTEST_CASE: RunnerCase = {
  name: 'pytest',
  runner: 'pytest',
  tool: 'pytest',
  files: {
    'pyproject.toml':
      '[project]\nname = "demo"\nversion = "1"\n\n[tool.pytest.ini_options]\naddopts = "-x -q --strict-markers"\npythonpath = ["."]\n',
    'src_math.py': SOURCE,
  },
  suite: {
    'tests/test_math.py': `${PYTEST}
def test_adds():
    assert add(1, 2) == 3

def test_is_wrong():
    assert add(1, 2) == 4

@pytest.mark.skip(reason="skipped")
def test_skipped():
    pass

@pytest.mark.xfail
def test_later():
    assert add(1, 1) == 3

@pytest.mark.parametrize("value", ["ü", "a b"])
def test_rows(value):
    assert add(value, "") == value

class TestGroup:
    def test_inner(self):
        assert add(0, 0) == 0

@pytest.fixture
def broken():
    raise RuntimeError("in the fixture")

def test_setup(broken):
    pass
`,
    'tests/test_other.py': `${PYTEST}def test_alone():\n    assert add(1, 1) == 2\n`,
  },
  statuses: {
    'tests/test_math.py::test_adds': 'pass',
    'tests/test_math.py::test_is_wrong': 'fail',
    'tests/test_math.py::test_skipped': 'skip',
    'tests/test_math.py::test_later': 'todo',
    'tests/test_math.py::test_rows[\\xfc]': 'pass',
    'tests/test_math.py::test_rows[a b]': 'pass',
    'tests/test_math.py::TestGroup::test_inner': 'pass',
    'tests/test_math.py::test_setup': 'error',
    'tests/test_other.py::test_alone': 'pass',
  },
  selection: { files: ['tests/test_other.py'], ids: ['tests/test_other.py::test_alone'] },
  coverage: COVERAGE,
  dies: {
    suite: {
      'tests/test_broken.py': `${PYTEST}raise RuntimeError("dies on load")\n`,
      'tests/test_fine.py': `${PYTEST}def test_fine():\n    assert add(1, 1) == 2\n`,
    },
    healthy: 'tests/test_fine.py::test_fine',
  },
  exits: {
    'tests/test_leaves.py': `${PYTEST}import os\n\ndef test_before():\n    pass\n\ndef test_leaves():\n    os._exit(0)\n\ndef test_after():\n    assert False\n`,
  },
  hangs: { 'tests/test_hangs.py': `${PYTEST}def test_hangs():\n    while True:\n        pass\n` },
  empty: { 'tests/test_empty.py': PYTEST },
}

export const UNITTEST_CASE: RunnerCase = {
  name: 'unittest',
  runner: 'unittest',
  tool: 'python3',
  files: { 'setup.py': 'from setuptools import setup\nsetup(name="demo")\n', 'src_math.py': SOURCE },
  suite: {
    'test_math.py': `${UNITTEST}    def test_adds(self):
        self.assertEqual(add(1, 2), 3)

    def test_is_wrong(self):
        self.assertEqual(add(1, 2), 4)

    @unittest.skip("skipped")
    def test_skipped(self):
        pass

    @unittest.expectedFailure
    def test_later(self):
        self.assertEqual(1, 2)

    def test_parts(self):
        for value in (1, 2):
            with self.subTest(value=value):
                self.assertEqual(value, 1)

    def test_raises(self):
        raise RuntimeError("error")


class Other(unittest.TestCase):
    def test_adds(self):
        self.assertEqual(add(2, 2), 4)


class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("in the fixture")

    def test_never(self):
        pass
`,
    'test_other.py': `${UNITTEST}    def test_alone(self):\n        self.assertEqual(add(1, 1), 2)\n`,
  },
  statuses: {
    'test_math.py::Sums.test_adds': 'pass',
    'test_math.py::Sums.test_is_wrong': 'fail',
    'test_math.py::Sums.test_skipped': 'skip',
    'test_math.py::Sums.test_later': 'todo',
    'test_math.py::Sums.test_parts': 'fail',
    'test_math.py::Sums.test_raises': 'error',
    'test_math.py::Other.test_adds': 'pass',
    '::setUpClass (test_math.Broken)': 'error',
    'test_other.py::Sums.test_alone': 'pass',
  },
  selection: { files: ['test_other.py'], ids: ['test_other.py::Sums.test_alone'] },
  coverage: COVERAGE,
  dies: {
    suite: {
      'test_broken.py': `${UNITTEST}    pass\n\n\nraise RuntimeError("dies on load")\n`,
      'test_fine.py': `${UNITTEST}    def test_fine(self):\n        self.assertEqual(add(1, 1), 2)\n`,
    },
    healthy: 'test_fine.py::Sums.test_fine',
  },
  exits: {
    'test_leaves.py': `${UNITTEST}    def test_a_before(self):\n        pass\n\n    def test_b_leaves(self):\n        os._exit(0)\n\n    def test_c_after(self):\n        self.fail()\n`,
  },
  hangs: { 'test_hangs.py': `${UNITTEST}    def test_hangs(self):\n        while True:\n            pass\n` },
  empty: { 'test_empty.py': `${UNITTEST}    pass\n` },
}
