"""What of a JSON view a document of its schema can carry: the members that the schema names."""

from transforms.xml_shape import Shape


def carried(shape: Shape, view: object) -> object:
    """A view of the shape without any other member, at every depth. What is no object stays as it is: whether it fits
    is for the encoder to say."""
    if not isinstance(view, dict):
        return view
    members = {member.key: member for member in shape.content.members()} if shape.content else {}
    plain = {attribute.key for attribute in shape.attributes} | ({"$"} if shape.scalar else set())
    kept: dict[str, object] = {key: value for key, value in view.items() if key in plain}
    for key, member in members.items():
        value = view.get(key)
        if key not in view:
            continue
        if member.many and isinstance(value, list):
            kept[key] = [carried(member.shape, each) for each in value]
        else:
            kept[key] = carried(member.shape, value)
    return kept
