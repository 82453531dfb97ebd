import subprocess
import sys


def test_the_package_is_light():
    """Arrays and tables are its subject; what reads files, and what scores, is imported when it is used."""
    code = (
        "import sys, keras_vnn.data\n"
        "heavy = {'anndata', 'h5py', 'jax', 'keras', 'sklearn', 'tensorflow', 'torch', 'zarr'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
