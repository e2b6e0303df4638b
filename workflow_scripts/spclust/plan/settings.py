"""From the user's configuration to the runs of the workflow.

Imported by Snakemake itself, so it may use the standard library, PyYAML and jsonschema only.
"""

from dataclasses import dataclass, field

from spclust.errors import UserError
from spclust.plan import analyses, cards, datasets, runs
from spclust.plan.contradictions import (
    refuse_circles,
    refuse_contradictions,
    refuse_files,
    refuse_knowledge,
    refuse_nameless,
)
from spclust.plan.first_defaults import compared
from spclust.plan.schema_corrections import is_endless
from spclust.plan.schema_messages import check, unknown, yaml_value
from spclust.plan.stages import STAGES


@dataclass
class Plan:
    """The resolved configuration.

    Attributes
    ----------
    config : dict
    cards : dict of str to Card
    analysis_cards : dict of str to Analysis
    datasets : dict of str to dict
        Definition of every dataset to run, defaults filled in.
    slices : dict of str to dict
        The same with the slices of cohorts.
    results : list of (str, Run, int)
        Every (dataset, run, seed) to compute.
    transfers : list of (str, str, Run, int)
        Every (dataset, source, run, seed) whose model labels the dataset.
    settings : dict of str to dict of str to dict
        Stage or ``method`` to setting name to its values.
    analyses : dict of str to dict of str to dict
        Analyses that are to be made: name to setting name to its values.
    """

    config: dict
    cards: dict
    analysis_cards: dict = field(default_factory=dict)
    datasets: dict = field(default_factory=dict)
    slices: dict = field(default_factory=dict)
    results: list = field(default_factory=list)
    transfers: list = field(default_factory=list)
    settings: dict = field(default_factory=dict)
    analyses: dict = field(default_factory=dict)

    def cfg(self, stage, name):
        """Values of a named setting, as Snakemake is to compare them."""
        values = self.settings[stage][name]
        if stage == "method":
            card = self.card(name)
            return compared(f"method.{card.name}", values, card.defaults)
        return compared(stage, values, STAGES[stage].defaults)

    @property
    def defaults(self):
        """Default of every setting there is, by section of ``first_defaults.yaml``."""
        defaults = {stage.name: stage.defaults for stage in STAGES.values()}
        defaults |= {of: datasets.defaults_of(of) for of in ("dataset", "simulate")}
        defaults |= {f"method.{card.name}": card.defaults for card in self.cards.values()}
        return defaults | {f"analysis.{c.name}": c.defaults for c in self.analysis_cards.values()}

    def analysis_cfg(self, folder):
        """Values of the setting of an analysis, from the name of its folder, to be compared."""
        name, setting = analyses.parted(folder)
        defaults = self.analysis_cards[name].defaults
        return compared(f"analysis.{name}", self.analyses[name][setting], defaults)

    def card(self, method):
        """Card of a named method setting."""
        return self.cards[self.settings["method"][method]["recipe"]]

    def is_multimodal(self, dataset):
        """Whether a dataset has, or may have, several modalities, and so leaves as h5mu."""
        definition = self.slices[dataset]
        if "slices" in definition:
            return any(self.is_multimodal(name) for name in definition["slices"])
        path = definition.get("path", [])
        files = [path] if isinstance(path, str) else path
        files = [*files, *map(datasets.file_name, definition.get("files", ()))]
        return isinstance(path, dict) or any(str(file).endswith(".h5mu") for file in files)


def config_schema(found_analyses=None):
    """Schema of the configuration: what to run, a section for each stage, one for analyses."""
    schema = datasets.load_schema("config")
    name = schema["$defs"]["name"]
    for stage in STAGES.values():
        schema["properties"][stage.name] = {
            "type": "object",
            "propertyNames": name,
            "description": f"Named settings of {stage.rule}.",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "properties": stage.settings,
            },
        }
        schema["$defs"]["run"]["properties"][stage.name] = {
            **name,
            "description": f"Setting of {stage.name}.",
        }
    own = schema["properties"]["analyses"]["properties"]
    own |= analyses.schema(analyses.load() if found_analyses is None else found_analyses)
    return schema


def resolve(config, found_cards=None):
    """Validate a configuration and list what is to be run.

    Parameters
    ----------
    config : dict
        Merged configuration.
    found_cards : dict of str to Card, optional

    Raises
    ------
    UserError
        With every fault found: key path, what was found, what is allowed, a corrected line.
    """
    found_cards, found_analyses = found_cards or cards.load(), analyses.load()
    if isinstance(config, dict) and not is_endless(config):
        refuse_files(config.get("datasets"))
        refuse_nameless(config, found_cards, found_analyses)
        if "evaluation" in config:  # the key of before 0.1
            line = yaml_value({"metrics": {"default": config["evaluation"]}})
            raise UserError(f"evaluation: scores are an analysis; write  analyses: {line}  instead")
    config = check(config, config_schema(found_analyses), "configuration")
    refuse_knowledge(config.get("knowledge", {}))
    plan = Plan(config, found_cards, found_analyses)
    for stage in STAGES.values():
        plan.settings[stage.name] = _stage_settings(stage, config.get(stage.name, {}), plan.cards)
    plan.settings["method"] = _method_settings(config.get("method", {}), plan.cards)
    refuse_contradictions(plan.settings)
    plan.analyses = analyses.resolve(found_analyses, config["analyses"])
    registry = datasets.registry(config)
    plan.datasets, plan.slices = datasets.resolve(config, registry)
    of_config = runs.of_config(plan, {*plan.slices, *registry})
    plan.results = [
        (dataset, run, seed)
        for dataset in plan.datasets
        for run, only in of_config
        if only is None or dataset in only
        for seed in config["seeds"]
    ]
    if not plan.results:
        raise UserError(
            "runs: each is kept to `datasets` that are not listed, so there is nothing to run; "
            f"list one of them, or write e.g.  datasets: [{next(iter(plan.datasets))}]  of a run"
        )
    refuse_circles(plan)
    plan.transfers = runs.transfers(plan, of_config)
    return plan


def _stage_settings(stage, given, found_cards):
    """Settings of a stage by name: the default, its own, those of cards, the user's."""
    of_cards = {
        card.name: card.stages[stage.name]
        for card in found_cards.values()
        if stage.name in card.stages
    }
    keys = {"type": "object", "additionalProperties": False, "properties": stage.settings}
    if given.get("default", {}).get("normalisation") == "none":
        # values are transformed already, whatever a card would do to them
        of_cards = {
            name: {k: v for k, v in values.items() if k != "normalisation"}
            for name, values in of_cards.items()
        }
    for name, values in of_cards.items():
        check(values, keys, f"methods/{name}.yaml", ["stages", stage.name])
    default = _laid_over(stage.defaults, given.get("default", {}))
    settings = {"default": default}
    for name in [*stage.named, *of_cards, *given]:
        if name not in settings:
            own = [stage.named.get(name, {}), of_cards.get(name, {}), given.get(name, {})]
            settings[name] = _laid_over(default, *own)
    of_modality = {k: v for k, v in stage.settings.items() if k != "modalities"}
    keys = {"type": "object", "additionalProperties": False, "properties": of_modality}
    for name, values in settings.items():
        if values.get("modalities"):
            of_each = values["modalities"].items()
            settings[name] = values | {
                "modalities": {
                    m: check(own, keys, "configuration", [stage.name, name, "modalities", m])
                    for m, own in of_each
                }
            }
    return settings


def _laid_over(base, *others):
    """Settings with those of others over them; settings of modalities are merged key by key."""
    for own in others:
        merged = {**base, **own}
        if isinstance(base.get("modalities"), dict) and isinstance(own.get("modalities"), dict):
            merged["modalities"] = {
                name: {**base["modalities"].get(name, {}), **own["modalities"].get(name, {})}
                for name in {**base["modalities"], **own["modalities"]}
            }
        base = merged
    return base


def _method_settings(given, found_cards):
    """Settings of methods by name: every card's own, and the user's, which build on one."""
    given = dict(given)
    for name, own in given.items():
        recipe = own.get("recipe", name)
        if recipe not in list(found_cards):  # whatever stands there, a list too
            unknown(f"method.{name}.recipe", recipe, found_cards)
        if name in found_cards and recipe != name:
            raise UserError(
                f"method.{name}: the name of a method cannot stand for another ({recipe!r}); "
                f"write  my_{name}: {yaml_value(own)}  in its place"
            )
        keys = {"recipe": {"type": "string"}, **found_cards[recipe].settings}
        rules = {"type": "object", "additionalProperties": False, "properties": keys}
        given[name] = check(own, rules, "configuration", ["method", name])
    own = {name: given.get(name, {}) for name in [*found_cards, *given]}
    return {
        name: {
            **found_cards[values.get("recipe", name)].defaults,
            **given.get(values.get("recipe", name), {}),
            **values,
            "recipe": values.get("recipe", name),
        }
        for name, values in own.items()
    }
