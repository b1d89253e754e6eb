"""As much of an OpenAPI 3.0 validator as Front's documents need. Stricter in one thing: a property that they do not name is a mistake."""
import json
import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = pathlib.Path(os.environ.get("FRONT_API_SPEC", ROOT / ".." / "shared" / "front-api"))

TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
}


class Api:
    """One or more documents; operations are looked up in all of them."""

    def __init__(self, *files):
        self.documents = [json.loads(pathlib.Path(f).read_text()) for f in files]

    def operation(self, method, path):
        """(document, operation) of the most literal path template that fits, or None."""
        path = path.split("?")[0]
        found = []
        for document in self.documents:
            for template, item in document["paths"].items():
                pattern = re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(template))
                if method.lower() in item and re.fullmatch(pattern, path):
                    found.append((template.count("{"), len(found), document, item[method.lower()]))
        return min(found, key=lambda f: f[:2])[2:] if found else None

    def mistakes(self, method, path, body):
        """What is wrong with a request, as a list of sentences."""
        found = self.operation(method, path)
        if not found:
            return [f"{method} {path} is no operation of Front's API"]
        document, operation = found
        content = resolve(document, operation.get("requestBody", {})).get("content", {})
        if "application/json" not in content:
            return [] if body is None else [f"{method} {path} takes no JSON body"]
        if body is None:
            return [f"{method} {path} has no body"]
        return list(check(document, content["application/json"]["schema"], body, "body"))

    def mistakes_of_answer(self, method, path, body, status="200"):
        """The same for what an operation answers."""
        document, operation = self.operation(method, path)
        answer = resolve(document, operation["responses"][status])
        return list(check(document, answer["content"]["application/json"]["schema"], body, "answer"))

    def required(self, method, path):
        """The dotted names of the fields that a request must have; 0 is an element of an array."""
        document, operation = self.operation(method, path)
        body = resolve(document, operation["requestBody"])["content"]["application/json"]
        return list(required_of(document, body["schema"], ""))


def required_of(document, schema, where):
    schema = resolve(document, schema)
    for name, part in schema.get("properties", {}).items():
        if name in schema.get("required", []):
            yield where + name
        yield from required_of(document, part, f"{where}{name}.")
    if "items" in schema:
        yield from required_of(document, schema["items"], f"{where}0.")


def resolve(document, value):
    while "$ref" in value:
        target = document
        for key in value["$ref"][2:].split("/"):
            target = target[key]
        value = target
    return value


def check(document, schema, value, where):
    nullable = schema.get("nullable")  # Front writes it beside a $ref too
    schema = resolve(document, schema)
    if value is None:
        if not nullable and not schema.get("nullable"):
            yield f"{where} is null"
        return
    for part in schema.get("allOf", []):
        yield from check(document, part, value, where)
    if "oneOf" in schema:
        tried = [list(check(document, part, value, where)) for part in schema["oneOf"]]
        yield from min(tried, key=len)
    properties = schema.get("properties")
    kind = schema.get("type", "object" if properties else None)
    if kind and not TYPES[kind](value):
        yield f"{where} is not of type {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is {value!r}, which is none of {schema['enum']}"
    if isinstance(value, str):
        # Front runs on JavaScript, whose characters are UTF-16 units.
        length = len(value.encode("utf-16-le")) // 2
        if not schema.get("minLength", 0) <= length <= schema.get("maxLength", length):
            yield f"{where} is {length} characters long"
    if isinstance(value, list):
        for i, element in enumerate(value):
            yield from check(document, schema.get("items", {}), element, f"{where}[{i}]")
    if isinstance(value, dict):
        for name in schema.get("required", []):
            if name not in value:
                yield f"{where}.{name} is missing"
        for name, element in value.items() if properties else ():
            if name in properties:
                yield from check(document, properties[name], element, f"{where}.{name}")
            else:
                yield f"{where}.{name} is not in Front's documents"
