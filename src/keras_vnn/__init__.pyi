"""The public names of the package and their modules: read by ``__init__.py``, by type checkers and by editors."""

from . import pl as pl
from . import pp as pp
from . import read as read
from . import tl as tl
from . import wire as wire
from .architecture import Architecture as Architecture
from .basics.bundled import config_path as config_path
from .basics.bundled import data_path as data_path
from .basics.errors import VNNError as VNNError
from .basics.errors import VNNWarning as VNNWarning
from .basics.progress import settings as settings
from .estimators import VNNAutoencoder as VNNAutoencoder
from .estimators import VNNClassifier as VNNClassifier
from .estimators import VNNEmbedder as VNNEmbedder
from .estimators import VNNRegressor as VNNRegressor
from .estimators import train as train
from .estimators import train_autoencoder as train_autoencoder
from .estimators import train_embedding as train_embedding
from .experiments.comparison import compare as compare
from .experiments.tuning import tune as tune
from .layers import SparselyConnected as SparselyConnected
from .models import build_autoencoder as build_autoencoder
from .models import build_model as build_model
from .models import load_model as load_model
from .models import save_model as save_model
from .options import training_options as training_options

__version__: str
