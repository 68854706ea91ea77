"""WeCom's corp tags."""

from __future__ import annotations

from app.sandbox.answers import Code, Route, need, ok
from app.sandbox.wecom_contacts import own_side
from app.sandbox.world import CorpTagGroup, Json, World

NAME, TAGS_OF_CORP, TAGS_OF_CONTACT = 30, 10_000, 3_000


def add(route: Route, world: World) -> None:
    """Mount the endpoints."""

    @route("/externalcontact/get_corp_tag_list")
    def list_tags(body: Json) -> Json:
        groups, tags = set(body.get("group_id") or ()), set(body.get("tag_id") or ())
        if groups:
            tags = set()  # the group wins when both are given
        shown = [_shown(g, tags) for g in world.tag_groups if not groups or g.group_id in groups]
        return ok(tag_group=[group for group in shown if group["tag"]])

    @route("/externalcontact/add_corp_tag")
    def add_tags(body: Json) -> Json:
        names = [str(item.get("name", "")) for item in body.get("tag") or ()]
        need(names, 40063)
        need(all(0 < len(name) <= NAME for name in names), 40071)
        total = sum(len(g.tags) for g in world.tag_groups)
        need(total + len(names) <= TAGS_OF_CORP, 40126, "too many corp tags")
        group = _group(world, str(body.get("group_id", "")), str(body.get("group_name", "")))
        made = [tag_named(world, group, name, by_app=True) for name in dict.fromkeys(names)]
        world.changed()
        return ok(
            tag_group={"group_id": group.group_id, "group_name": group.group_name, "tag": made}
        )

    @route("/externalcontact/edit_corp_tag")
    def edit_tag(body: Json) -> Json:
        _group_of, tag = _own(world, str(body.get("id", "")))
        need(0 < len(str(body.get("name", ""))) <= NAME, 40071)
        tag["name"] = str(body["name"])
        world.changed()
        return ok()

    @route("/externalcontact/del_corp_tag")
    def delete_tags(body: Json) -> Json:
        groups = set(body.get("group_id") or ())
        ids = list(body.get("tag_id") or ())
        ids += [t["id"] for g in world.tag_groups if g.group_id in groups for t in g.tags]
        need(ids, 40063)
        for tag_id in ids:
            _own(world, tag_id)
        for tag_id in ids:
            remove_tag(world, tag_id)
        world.changed()
        return ok()

    @route("/externalcontact/mark_tag", alone=_side_named)
    def mark(body: Json) -> Json:
        side = own_side(world, body)
        added, removed = body.get("add_tag") or [], body.get("remove_tag") or []
        need(added or removed, 40063)
        need(all(world.tag(tag_id) for tag_id in (*added, *removed)), 40068)
        tags = [t for t in dict.fromkeys([*side.tag_ids, *added]) if t not in removed]
        need(len(tags) <= TAGS_OF_CONTACT, 40144, "too many tags of one customer")
        side.tag_ids = tags
        world.changed()
        return ok()


def _side_named(body: Json) -> str:
    return f"{str(body.get('userid', '')).lower()} {body.get('external_userid', '')}"


def tag_named(world: World, group: CorpTagGroup, name: str, *, by_app: bool) -> Json:
    """The tag of this name in a group, made when missing."""
    for tag in group.tags:
        if tag["name"] == name:
            return tag
    tag = {"id": world.next_id("et"), "name": name, "by_app": by_app}
    group.tags.append(tag)
    return tag


def group_named(world: World, name: str) -> CorpTagGroup:
    """The tag group of this name, made when missing."""
    for group in world.tag_groups:
        if group.group_name == name:
            return group
    group = CorpTagGroup(world.next_id("etg"), name)
    world.tag_groups.append(group)
    return group


def remove_tag(world: World, tag_id: str) -> None:
    """A corp tag disappears, from every contact too; an empty group goes with it."""
    for group in world.tag_groups:
        group.tags = [tag for tag in group.tags if tag["id"] != tag_id]
    world.tag_groups = [group for group in world.tag_groups if group.tags]
    for side in world.relations:
        side.tag_ids = [one for one in side.tag_ids if one != tag_id]


def _group(world: World, group_id: str, name: str) -> CorpTagGroup:
    if not group_id:
        need(0 < len(name) <= NAME, 40071)
        return group_named(world, name)
    for group in world.tag_groups:
        if group.group_id == group_id:
            return group
    raise Code(40068)


def _own(world: World, tag_id: str) -> tuple[CorpTagGroup, Json]:
    """A tag that the app itself made: it may not touch those of the administrators."""
    found = world.tag(tag_id)
    if found is None:
        raise Code(40068)
    need(found[1].get("by_app"), 48002)
    return found


def _shown(group: CorpTagGroup, tags: set[str]) -> Json:
    return {
        "group_id": group.group_id,
        "group_name": group.group_name,
        "tag": [
            {"id": tag["id"], "name": tag["name"], "order": order}
            for order, tag in enumerate(group.tags)
            if not tags or tag["id"] in tags
        ],
    }
