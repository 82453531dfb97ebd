"""What a model or an architecture holds, for other programs and for people; every number by the name of its node.

In: an `Architecture` or a Keras model that carries one. Out: text, Markdown, JSON, CSV, GraphML, pictures.
Keras is imported only when a model is given, matplotlib and networkx only when they are needed.
"""

from keras_vnn.basics.public_names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
