"""Method cards: complete, valid, and true of their recipes."""

import jsonschema
import pytest

from spclust.errors import UserError
from spclust.plan import cards
from spclust.plan.stages import STAGES

CARDS = cards.load()


def test_every_recipe_has_a_card_and_every_card_a_recipe():
    paths = [path for path in cards.FOLDER.rglob("*.py") if path.stem != "__init__"]
    recipes = {path.stem for path in paths if "\ndef cluster(" in f"\n{path.read_text()}"}
    # one may be another's with settings of its own
    imported = {path.stem for path in paths if '__all__ = ["cluster"' in path.read_text()}
    assert (recipes - {"running"}) | imported == set(CARDS) and len(CARDS) >= 13


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_a_card_keeps_to_the_stages_and_its_own_schemas(card):
    assert set(card.needs) <= set(STAGES) and set(card.stages) <= set(STAGES)
    for key, schema in card.settings.items():
        jsonschema.validate(schema["default"], schema)
        assert schema["description"].rstrip().endswith("."), key
    for stage, own in card.stages.items():
        for key, value in own.items():
            jsonschema.validate(value, STAGES[stage].settings[key])


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_a_card_says_where_its_settings_are_from(card):
    assert card.control or card.settings_from.endswith(".")


def test_labels_reach_controls_only():
    seeing = {card.name for card in CARDS.values() if card.reference}
    assert seeing == {"truth", "scrcl_oracle"} and all(CARDS[name].control for name in seeing)


def test_only_methods_that_compute_there_reserve_a_gpu():
    ours = {c.name for c in CARDS.values() if c.trains and c.environment == "train"}
    assert {c.name for c in CARDS.values() if c.gpu} == ours


def test_a_wrong_card_is_refused_by_its_file(tmp_path):
    (tmp_path / "new.yaml").write_text("title: new\nenviroment: train\nsettings: {}\n")
    with pytest.raises(UserError, match=r"new\.yaml.*\n.*write  environment: train"):
        cards.load(tmp_path)
    (tmp_path / "new.yaml").write_text("title: [\n")
    with pytest.raises(UserError, match=r"new\.yaml: not valid YAML"):
        cards.load(tmp_path)


def test_a_card_may_have_the_settings_of_another_with_other_defaults(tmp_path):
    like, own = CARDS["spclust"], CARDS["spclust_vote"]
    assert set(own.settings) == set(like.settings) and own.needs != like.needs
    changed = {k for k in like.settings if like.defaults[k] != own.defaults[k]}
    assert changed >= {"weight_teacher", "guard", "start", "refresh"}
    assert like.defaults["weight_teacher"] == 0 and like.defaults["refresh"] == "kmeans"
    head = "title: new\nenvironment: train\n"
    (tmp_path / "old.py").touch()
    (tmp_path / "new.py").touch()
    (tmp_path / "old.yaml").write_text(f"{head}settings: {{a: {{default: 1, description: A.}}}}\n")
    (tmp_path / "new.yaml").write_text(f"{head}like: old\ndefaults: {{a: 2}}\n")
    assert cards.load(tmp_path)["new"].defaults == {"a": 2}
    (tmp_path / "new.yaml").write_text(f"{head}like: old\ndefaults: {{b: 2}}\n")
    with pytest.raises(UserError, match=r"new\.yaml: defaults\.b is not a setting of old"):
        cards.load(tmp_path)
    (tmp_path / "new.yaml").write_text(f"{head}like: gone\n")
    with pytest.raises(UserError, match=r"new\.yaml: like: 'gone' is not a card with settings"):
        cards.load(tmp_path)
