"""Uploaded files."""

from sandbox.stripe import files
from sandbox.stripe.endpoint import DATED, Call, Endpoint, equal, listing
from sandbox.stripe.params import TEXT, Hash, Required, one_of, text
from sandbox.world import Json

_CONTENT = text(48 * 1024 * 1024)


def _create(call: Call) -> Json:
    return files.create(call.world, call.params["file"], call.params["purpose"])


def _list(call: Call) -> Json:
    return listing(
        call, call.world.objects.list("file", **equal(call.params, "purpose")), "/v1/files"
    )


ENDPOINTS = [
    Endpoint("GET", "/v1/files", "file_list", _list, {**DATED, "purpose": one_of(*files.PURPOSES)}),
    Endpoint(
        "GET",
        "/v1/files/{id}",
        "file_retrieve",
        lambda call: files.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/files",
        "file_create",
        _create,
        {
            # A part of the form: `sandbox.stripe.api` gives its name and its content.
            "file": Required(Hash({"filename": TEXT, "content": _CONTENT})),
            "purpose": Required(one_of(*files.PURPOSES)),
        },
    ),
]
