import subprocess
import sys


def test_the_package_is_light():
    code = (
        "import sys, keras_vnn.data\n"
        "heavy = {'anndata', 'keras', 'numpy', 'pandas', 'scipy', 'sklearn', 'tensorflow'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
