"""What Stripe answers: the fields of each resource, by API version, in files of our own.

They're based on Stripe's public documentation and its SDKs' annotations. Tests compare three things
with them: the SDK, the sandbox's answers, and what `billing.stripe.snapshots` reads.
Neither the portal nor the sandbox imports them.

A file in `resources/` has one line per field: its name, its type, and anything else about it. A
part's fields are indented below it. `parts/` holds those that several resources share.

    text, integer, number, boolean      what JSON has
    time                                seconds since 1970
    texts                               names and texts, as metadata
    a|b|c and 'a'                       one of these words
    >price                              an id, or the object where it is expanded
    {price}                             always the object; `list:price` a page of them
    :address                            the part of that name
    [text], [>price], []                several; below `[]` stand the fields of each
    any                                 something that nothing here relies on
    ?                                   may be null
    optional                            may be left out: shown when asked for, or if it applies
    since:2025-03-31, until:2025-03-31  from this API version on; before it
    *                                   a name for all others, such as further payment methods
"""

from stripe_shapes.checking import violations
from stripe_shapes.examples import Fill, bared, example, without_each
from stripe_shapes.reading import PINNED, VERSIONS, Field, kinds, shape

__all__ = [
    "PINNED",
    "VERSIONS",
    "Field",
    "Fill",
    "bared",
    "example",
    "kinds",
    "shape",
    "violations",
    "without_each",
]
