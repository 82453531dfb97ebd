"""`build_autoencoder`: an architecture, read backwards, becomes the decoder of a variational autoencoder.

Backwards: from the nodes at its end, by the nodes before them, to the genes.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import keras
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from keras_vnn.architecture import Architecture, check_architecture_given
from keras_vnn.basics.errors import ModelError, VNNWarning, sample
from keras_vnn.basics.remedies import by_place, remedy
from keras_vnn.data import Normalization
from keras_vnn.layers import (
    ArchitectureCard,
    Connections,
    CountLikelihood,
    CovariateAdversary,
    CovariateEffect,
    LatentSample,
    ReconstructionError,
    SelectUnits,
    SparselyConnected,
)
from keras_vnn.models._anchor import check_functions, initializer_named
from keras_vnn.models._builder import check_normalization, compile_model, head_dtype, name_of
from keras_vnn.models._outputs import Reconstruction, outputs_to_json
from keras_vnn.models._roles import Axis, LayerRole, Roles
from keras_vnn.options import LATENT, AutoencoderOptions, autoencoder_options

if TYPE_CHECKING:
    from keras_vnn.options._changes import AutoencoderChanges


def build_autoencoder(
    arch: Architecture,
    *,
    preset: str | None = None,
    normalization: Normalization | None = None,
    optimizer: Any = None,
    seed: int | None = None,
    name: str = "vnn_autoencoder",
    **options: Unpack[AutoencoderChanges],
) -> keras.Model:
    """Return a compiled variational autoencoder whose decoder is wired like the architecture, read backwards.

    A dense encoder gives a mean and a variance for each latent value. The latent values are the units of the nodes that
    feed no other node (gene sets; the roots of an ontology) and the dense units. From there, each node reads the nodes
    it feeds in the architecture, at whatever distance of layers, and each gene the nodes that read it and all dense
    units: linear, with weights that are never negative. So a latent value, or a node on the way, is the activity of
    what it is named after.

    Parameters
    ----------
    arch
        The architecture: `wire.gene_sets` for one layer, as VEGA has it; `wire.ontology` for OntoVAE's
        way. ``dense_units`` of it are latent values without a name that all genes read.
    preset
        Name of a published set of options, one of `AUTOENCODER_PRESETS`: ``vega``, ``onto-vae``, ``expimap``. Without
        one, values are restored as ``vega`` does, and counts as ``expimap`` does.
    normalization
        The normalisation of the training data, kept with the model so that new data are treated alike.
    optimizer
        A Keras optimizer or its name; Adam with a learning rate of 0.001 by default.
    seed
        Of the initial weights, dropout and sampling; ``None`` draws from Keras's global state.
    name
        Name of the Keras model.
    **options
        Any field of `AutoencoderOptions`, e.g. ``encoder=(100,)``.

    Returns
    -------
    keras.Model
        From ``(cells, genes)`` to ``(cells, genes)``. In training, latent values are drawn, and the loss is the squared
        error summed over genes and ``beta`` times the divergence; else they are the means, so the same cells give the
        same numbers, and the loss is the squared error alone. With ``reconstruction="nb"`` or ``"zinb"`` it reads
        ``log(1 + count)`` and gives ``log(1 + expected count)``, and minus the log-likelihood of the counts takes the
        place of the squared error: the decoder then moves the logarithm of each gene's share of the cell's counts. With
        ``side_features`` the input is a list of that and ``(cells, side features)``, covariates such as a one-hot
        batch, which are added to the first layer of the encoder and to what is decoded.

    Raises
    ------
    ModelError
        The preset or an option is unknown, out of range or without effect; or the normalisation is for other genes.

    Warns
    -----
    VNNWarning
        No node reads some genes, so they cannot be restored.

    References
    ----------
    Seninge et al. 2021, Nature Communications 12:5684, doi:10.1038/s41467-021-26017-0 (VEGA); Doncevic & Herrmann
    2023, Bioinformatics 39:btad387, doi:10.1093/bioinformatics/btad387 (OntoVAE); Lotfollahi et al. 2023, Nature Cell
    Biology 25:337, doi:10.1038/s41556-022-01072-x (expiMap); Lopez et al. 2018, Nature Methods 15:1053,
    doi:10.1038/s41592-018-0229-2 (scVI: counts as shares of an observed library size, by a softmax).
    """
    check_architecture_given(arch)
    check_normalization(arch, normalization)
    chosen = autoencoder_options(preset, options)
    check_functions(chosen)
    if chosen.side_features and not chosen.encoder:
        wanted = remedy("{encoder}", encoder=256)
        raise ModelError(f"Covariates enter at the first layer of the encoder: give it one, {wanted}.")
    if chosen.dispersion == "covariates" and not chosen.side_features:
        raise ModelError(
            remedy("{dispersion} needs covariates.\n", dispersion="covariates")
            + remedy("Name columns of the cells: {covariate}; or take {dispersion}.", covariate=..., dispersion="gene")
        )
    if chosen.adversary and not chosen.side_features:
        raise ModelError(
            remedy("{adversary} needs covariates.\n", adversary=chosen.adversary)
            + remedy("Name columns of the cells: {covariate}; or take {adversary}.", covariate=..., adversary=0)
        )
    if seed is not None:
        keras.utils.set_random_seed(seed)
    genes = keras.Input((int(arch.layers[0].units.sum()),), name="genes")
    inputs = [genes]
    covariates = None
    card = ArchitectureCard(arch, name="architecture")
    roles = [LayerRole(card.name, "nodes", 0, "state")]
    if chosen.side_features:
        inputs.append(keras.Input((chosen.side_features,), name="side"))
        covariates = _Covariates(inputs[1], roles)
    axis = latent_axis(arch)
    latent = _encoded(card(genes), covariates, chosen, axis, sum(run.size(arch) for run in axis.runs), seed, roles)
    decoder = Decoder(arch, latent, chosen)
    restored = decoder.reconstruction()
    of_genes = Axis.of("nodes", 0)
    if chosen.adversary:
        adversary = CovariateAdversary(chosen.adversary, seed=seed, name="adversary", dtype=head_dtype())
        restored = adversary([latent, inputs[1], restored])
    if covariates is not None:
        restored = covariates.added_to(restored, "decoder", of_genes, dtype=head_dtype())
    if chosen.restores_counts:
        likelihood = CountLikelihood(
            zero_inflated=chosen.reconstruction == "zinb", name="likelihood", dtype=head_dtype()
        )
        read = [genes, restored]
        if covariates is not None and chosen.dispersion == "covariates":
            read.append(covariates.effect(int(genes.shape[-1]), "dispersion", of_genes, dtype=head_dtype()))
        restored, _ = likelihood(read)
        roles.append(LayerRole(likelihood.name, "likelihood", step="state", outputs=of_genes))
    model = keras.Model(inputs if len(inputs) > 1 else genes, restored, name=name)
    card.remember(
        outputs=outputs_to_json(Reconstruction()),
        normalization=None if normalization is None else normalization.to_json(),
        roles=Roles.of(model, [*roles, *decoder.roles], axis).to_json(),
        options=chosen.to_json(),
    )
    # The likelihood of counts is among the losses that layers add.
    compile_model(model, optimizer, loss=None if chosen.restores_counts else ReconstructionError())
    return model


class _Covariates:
    """Adds covariates of cells to units, and to the roles those of the layers that do so."""

    def __init__(self, values: Any, roles: list[LayerRole]) -> None:
        self._values = values
        self._roles = roles

    def effect(self, units: int, of: str, axis: Axis, **kwargs: Any) -> Any:
        """Return ``(cells, units)`` for a part of the model."""
        name = f"{of}_covariates"
        read = Axis.of("units", "side", int(self._values.shape[-1]))
        number = 1 + sum(role.part == "covariates" for role in self._roles)
        self._roles.append(LayerRole(name, "covariates", number, inputs=read, outputs=axis))
        return CovariateEffect(units, name=name, **kwargs)(self._values)

    def added_to(self, units: Any, of: str, axis: Axis, **kwargs: Any) -> Any:
        """Return units of a part of the model with the effect of the covariates."""
        effect = self.effect(int(units.shape[-1]), of, axis, **kwargs)
        return keras.layers.Add(name=f"{of}_with_covariates", **kwargs)([units, effect])


def _encoded(
    units: Any,
    covariates: _Covariates | None,
    options: AutoencoderOptions,
    axis: Axis,
    latents: int,
    seed: int | None,
    roles: list[LayerRole],
) -> Any:
    """Return the latent values, in single precision whatever the policy, and add to the roles those of the layers."""
    read = Axis.of("nodes", 0)
    for position, width in enumerate(options.encoder, start=1):
        name, size = f"encoder_{position}", latents if width == LATENT else int(width)
        own = Axis.of("units", name, size)
        units = _dense(name, size, options)(units)
        roles.append(LayerRole(name, "encoder", position, inputs=read, outputs=own))
        if covariates is not None and position == 1:
            units = covariates.added_to(units, "encoder", own)
        if options.batch_normalization:
            layer = keras.layers.BatchNormalization(
                momentum=options.batch_momentum, epsilon=options.batch_epsilon, name=f"{name}_batch_normalization"
            )
            units = layer(units)
            roles.append(LayerRole(layer.name, "encoder", position, "normalization", outputs=own))
        if options.layer_normalization:
            units = keras.layers.LayerNormalization(center=False, scale=False, name=f"{name}_layer_normalization")(
                units
            )
        units = keras.layers.Activation(options.activation, name=f"{name}_activation")(units)
        if options.dropout:
            units = keras.layers.Dropout(options.dropout, name=f"{name}_dropout")(units)
        read = own
    given = []
    for name in ("latent_mean", "latent_log_variance"):
        numbers = _dense(name, latents, options, dtype=head_dtype())(units)
        roles.append(LayerRole(name, name.replace("_", " "), inputs=read, outputs=axis))
        if options.latent_dropout:
            numbers = keras.layers.Dropout(options.latent_dropout, name=f"{name}_dropout", dtype=head_dtype())(numbers)
        given.append(numbers)
    roles.append(LayerRole("latent", "latent", step="state"))
    return LatentSample(options.beta, seed=seed, name="latent", dtype=head_dtype())(given)


def _dense(name: str, units: int, options: AutoencoderOptions, **kwargs: Any) -> keras.layers.Dense:
    return keras.layers.Dense(
        units, kernel_initializer=initializer_named(options.kernel_initializer), name=name, **kwargs
    )


def latent_axis(arch: Architecture) -> Axis:
    """Return what the latent values are, run by run.

    They are the units of the nodes that feed no other node, and the dense units, layer by layer.
    """
    axis = Axis()
    for number, layer in enumerate(arch.layers[1:], start=1):
        sinks = arch.sink_nodes(number)
        if sinks.any():
            axis += Axis.of("nodes" if sinks.all() else "sinks", number)
        if layer.dense_units:
            axis += Axis.of("dense", number, layer.dense_units)
    return axis


class Decoder:
    """Makes the layers of the decoder of one autoencoder.

    Each node reads the nodes it feeds in the architecture, whatever their layer; each gene the nodes that read it and
    all dense units. All of it is linear, with a bias for each unit.

    Parameters
    ----------
    arch
        The architecture.
    latent
        Symbolic latent values, as `latent_axis` lists them.
    options
        How its layers start and what holds them.

    Attributes
    ----------
    roles
        Of its layers.
    """

    def __init__(self, arch: Architecture, latent: Any, options: AutoencoderOptions) -> None:
        self.arch = arch
        self.roles: list[LayerRole] = []
        self._initial_scale = options.initial_scale
        self._of_counts = options.restores_counts
        # One initializer for all: by its seed it depends on no other layer.
        self._how = {
            "kernel_initializer": initializer_named(options.kernel_initializer),
            "kernel_constraint": keras.constraints.NonNeg() if options.non_negative else None,
            "kernel_regularizer": keras.regularizers.L1(options.l1) if options.l1 else None,
            "kernel": options.kernel,
        }
        self._latents: dict[int, Any] = {}
        self._dense: dict[int, Any] = {}
        self._states: dict[int, Any] = {}
        self._share_out(latent)

    def reconstruction(self) -> Any:
        """Return symbolic ``(cells, gene units)``."""
        for number in range(len(self.arch.layers) - 1, 0, -1):
            self._states[number] = self._nodes(number)
            self.roles.append(LayerRole(name_of(self._states[number]), "nodes", number, "state"))
        genes = np.ones(len(self.arch.genes), bool)
        # Counts have levels of their own, see `CountLikelihood`.
        return self._decoded(0, "reconstruction", genes, use_bias=not self._of_counts, dtype=head_dtype())

    def _share_out(self, latent: Any) -> None:
        """Give the nodes of each layer, and the dense units of each, their latent values."""
        axis = latent_axis(self.arch)
        for run, place in axis.places(self.arch):
            kept, name = (self._dense, "dense") if run.kind == "dense" else (self._latents, "latent")
            units = latent
            if len(axis.runs) > 1:
                units = SelectUnits(range(place.start, place.stop), name=f"layer_{run.of}_{name}")(latent)
            kept[run.of] = units
            if run.kind == "dense":
                self.roles.append(LayerRole(name_of(units), "dense", run.of))

    def _nodes(self, number: int) -> Any:
        """Return the units of the nodes of a layer: latent values, and what others make of later layers."""
        units, sinks = self.arch.layers[number].units, self.arch.sink_nodes(number)
        if sinks.all():
            return self._latents[number]
        decoded = self._decoded(number, f"layer_{number}", ~sinks)
        if not sinks.any():
            return decoded
        both = keras.layers.Concatenate(name=f"layer_{number}_parts")([self._latents[number], decoded])
        # Where each unit stands among those of the sinks, which come first, and the others.
        places = np.argsort(np.argsort(np.repeat(~sinks, units), kind="stable"))
        return SelectUnits(places.tolist(), name=f"layer_{number}_units")(both)

    def _decoded(self, number: int, name: str, chosen: NDArray[np.bool_], **kwargs: Any) -> Any:
        """Return the units of some nodes of a layer, made of the nodes they feed, and genes of all dense units too."""
        nodes, dense = self.arch.layers[number], self._dense if number == 0 else {}
        targets = [target for source, target in self.arch.connections if source == number]
        blocks = [self.arch.connections[number, target][np.flatnonzero(chosen)].T for target in targets]
        read_units = [self.arch.layers[target].units for target in targets]
        inputs = [self._states[target] for target in targets]
        read = sum((Axis.of("nodes", target) for target in targets), Axis())
        for of, units in dense.items():
            size = self.arch.layers[of].dense_units
            blocks.append(sparse.csr_array(np.ones((size, len(nodes)), bool)))
            read_units.append(np.ones(size, np.int64))
            inputs.append(units)
            read += Axis.of("dense", of, size)
        widths = np.concatenate(read_units).tolist(), nodes.units[chosen].tolist()
        connections = Connections.from_adjacency(sparse.vstack(blocks), input_units=widths[0], output_units=widths[1])
        if number == 0:
            _warn_of_unread(nodes.ids, np.diff(connections.nodes.indptr) == 0, of_counts=self._of_counts)
        # From what is encoded, a layer does not warn of genes without input by number; they were named above.
        layer = SparselyConnected(
            connections.encode(), widths[1], inputs_per_node=widths[0], name=name, **self._how, **kwargs
        )
        outputs = layer(inputs[0] if len(inputs) == 1 else inputs)
        weights = self._initial_scale * keras.ops.convert_to_tensor(layer.kernel)
        layer.kernel.assign(weights if layer.kernel_constraint is None else keras.ops.abs(weights))
        made = Axis.of("nodes" if chosen.all() else "inner", number)
        self.roles.append(LayerRole(name, "nodes", number, inputs=read, outputs=made))
        return outputs


def _warn_of_unread(genes: Sequence[str], unread: NDArray[np.bool_], *, of_counts: bool) -> None:
    names = [gene for gene, is_unread in zip(genes, unread, strict=True) if is_unread]
    if names:
        given = "their usual share of the counts" if of_counts else "0"
        warnings.warn(
            f"{len(names):,} of {len(genes):,} genes are read by no node, so the autoencoder cannot restore them and "
            f"gives {given}: {sample(names)}.\n"
            + by_place("vnn build … --dense-units 1", "Build the architecture with dense_units=1")
            + ": a unit that all genes share; or build it from fewer genes.",
            VNNWarning,
            stacklevel=5,
        )
