"""Containers come apart and together unchanged."""

from collections import namedtuple
from dataclasses import dataclass

from hybridge.pytree import flatten

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Box:
    inside: object
    label: str = "b"


def test_every_container_is_rebuilt_in_kind():
    tree = {"a": [1, (2, Point(3, 4))], "b": Box({"c": 5})}
    leaves, build = flatten(tree)
    assert leaves == [1, 2, 3, 4, 5, "b"]
    assert build(leaves) == tree
    doubled = build([x * 2 for x in leaves])
    assert doubled["a"][1][1] == Point(6, 8) and doubled["b"].inside == {"c": 10}


def test_leaf_types_stay_whole():
    leaves, build = flatten([Point(1, 2), 3], (Point,))
    assert leaves == [Point(1, 2), 3]
    assert build("xy") == ["x", "y"]


def test_a_bare_leaf_is_a_tree():
    leaves, build = flatten(7)
    assert leaves == [7] and build([8]) == 8
