"""Who is new and gets the free trial: nobody twice, whatever account they use.

Once a trial or a membership has begun, its member's addresses are kept as digests (`TrialRecord`),
which stay when the account is closed or changes its address. They're keyed with SECRET_KEY, and
also looked up with SECRET_KEY_FALLBACKS. Each address has two digests, with and without what
follows a plus; TRIAL_SHARED_BY_PLUS_ADDRESSES says which one counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, Min, Q
from django.utils.crypto import salted_hmac

from billing.core.statuses import NEVER_BEGAN, CheckoutState
from billing.facts import billed
from billing.models import Checkout, Customer, Subscription, TrialRecord
from billing.models.subscription import SubscriptionQuerySet
from common import addresses

SALT = "billing.trials"
MAILBOX, PERSON = "mailbox", "person"
AT_ONCE = 500


@dataclass(frozen=True)
class Before:
    """What someone had before: a free trial, or a membership without one.

    Time that staff gave a member is no trial: `billing.core.recurring` tells them apart. `is_own`
    means in this very account, not known only by address.
    """

    began_at: datetime
    had_trial: bool
    is_own: bool = False


def is_new(user: User) -> bool:
    """Whether a user never had a trial or the membership."""
    return before(user) is None


def before(user: User) -> Before | None:
    """Return the first one that a user had, here or with the same address elsewhere.

    Two queries; two more if there may have been a trial.
    """
    mine = list(_begun(user).order_by("started_at").values_list("started_at", "trial_end"))
    if mine:
        may_have = any(end for _start, end in mine)
        return Before(mine[0][0], may_have and user.pk in _had_trial([user.pk]), is_own=True)
    rows = TrialRecord.objects.filter(digest__in=that_count([user.email]))
    first = rows.order_by("began_at").first()
    return Before(first.began_at, first.had_trial) if first else None


def remember(user: User) -> Before | None:
    """Record the addresses of a user who isn't new; return what they had before."""
    earlier = before(user)
    if earlier:
        keep(user, earlier)
    return earlier


def keep(user: User, earlier: Before) -> set[str]:
    """Record all addresses of a user who had something before; return the new digests.

    If two record the same address simultaneously, only one gets it as new.
    """
    wanted = _to_keep(_addresses(user))
    there = TrialRecord.objects.filter(digest__in=wanted).values_list("digest", flat=True)
    made = set()
    # Sorted, so two never deadlock.
    for digest in sorted(wanted - set(there)):
        values = {"began_at": earlier.began_at, "had_trial": earlier.had_trial}
        if TrialRecord.objects.get_or_create(digest=digest, defaults=values)[1]:
            made.add(digest)
    return made


def _had_trial(users: Collection[int]) -> set[int]:
    """Return who of these users had a membership that began with a free trial."""
    found = billed.read(customer__user_id__in=users)
    return {user for _pk, user, one in found if one.is_membership and one.has_trial}


@contextmanager
def kept_over_address_change(user: User) -> Iterator[None]:
    """Keep a user's addresses before and after one of them changes, in one transaction.

    A new address gives nobody a second free trial.
    """
    had_before = remember(user)
    yield
    if had_before:
        keep(user, had_before)


def note(row: Subscription, *, is_first_seen: bool) -> None:
    """Record who has a membership that began; mark a trial they shouldn't have gotten.

    Call it in the transaction that wrote the row.
    """
    user = row.customer.user
    if not row.is_membership or row.status in NEVER_BEGAN:
        return
    earlier = before(user)
    if earlier is None:
        return
    made = keep(user, earlier)
    if is_first_seen and row.trial_end and _had_one_elsewhere(user, made):
        Subscription.objects.filter(pk=row.pk).update(is_second_trial=True)


def _had_one_elsewhere(user: User, made: set[str]) -> bool:
    """Whether the trial that we just gave a user isn't this person's first.

    Two accounts may open Stripe's page at once, both with a trial. What staff start in Stripe's
    dashboard is their decision, not a mistake.
    """
    if _begun(user).count() != 1:
        return False
    ours = Checkout.objects.filter(user=user, trial_days__gt=0).exclude(state=CheckoutState.EXPIRED)
    known = TrialRecord.objects.filter(digest__in=that_count(_addresses(user)))
    return ours.exists() and known.exclude(digest__in=made).exists()


def spelling(email: str) -> str:
    """Return the common spelling of addresses that count as one person's."""
    return _spelling(email, _kind())


def remember_all() -> None:
    """Record the addresses of everyone who isn't new, under the current key.

    This covers changes made elsewhere: rows edited by hand, the plan's products, the key.
    """
    begun = Q(customers__subscriptions__is_membership=True)
    begun &= ~Q(customers__subscriptions__status__in=NEVER_BEGAN)
    trial = begun & Q(customers__subscriptions__trial_end__isnull=False)
    users = User.objects.filter(customers__subscriptions__isnull=False).annotate(
        began_at=Min("customers__subscriptions__started_at", filter=begun),
        trials=Count("customers__subscriptions", filter=trial),
    )
    rows = users.exclude(began_at=None).order_by("pk").values_list("pk", "began_at", "trials")
    people = list(rows)
    for start in range(0, len(people), AT_ONCE):
        some = people[start : start + AT_ONCE]
        tried = _had_trial([pk for pk, _began_at, trials in some if trials])
        _keep_many({pk: Before(began_at, pk in tried) for pk, began_at, _trials in some})


def _keep_many(people: dict[int, Before]) -> None:
    rows: dict[str, TrialRecord] = {}
    for user_id, address in _addresses_of(people):
        earlier = people[user_id]
        for digest in _to_keep([address]):
            rows[digest] = TrialRecord(
                digest=digest, began_at=earlier.began_at, had_trial=earlier.had_trial
            )
    # In one order, as in `keep`.
    TrialRecord.objects.bulk_create([rows[one] for one in sorted(rows)], ignore_conflicts=True)
    _no_trial_after_all([row for row in rows.values() if not row.had_trial])


def _no_trial_after_all(rows: list[TrialRecord]) -> None:
    """Correct records of these memberships from when free time counted as a trial."""
    began = {row.digest: row.began_at for row in rows}
    kept = TrialRecord.objects.filter(digest__in=began, had_trial=True)
    times = kept.values_list("digest", "began_at")
    wrong = [digest for digest, began_at in times if began[digest] == began_at]
    TrialRecord.objects.filter(digest__in=wrong).update(had_trial=False)


def begun_among(rows: Iterable[Subscription]) -> bool:
    """Whether one of a member's subscriptions is a membership that began."""
    return any(row.is_membership and row.status not in NEVER_BEGAN for row in rows)


def _begun(user: User) -> SubscriptionQuerySet:
    rows = Subscription.objects.for_user(user).memberships()
    return rows.exclude(status__in=NEVER_BEGAN)


def _addresses(user: User) -> list[str]:
    return [address for _user_id, address in _addresses_of([user.pk])]


def _addresses_of(users: Iterable[int]) -> list[tuple[int, str]]:
    """Return users with all of their addresses, for sign-in and at Stripe."""
    wanted = list(users)
    named = User.objects.filter(pk__in=wanted).order_by().values_list("pk", "email")
    proven = EmailAddress.objects.filter(user__in=wanted, verified=True).order_by()
    at_stripe = Customer.objects.filter(user__in=wanted).order_by()
    return list(
        named.union(
            proven.values_list("user_id", "email"), at_stripe.values_list("user_id", "email")
        )
    )


def that_count(emails: Iterable[str]) -> set[str]:
    """Return the digests for looking up addresses, under every valid key."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return {_digest(_kind(), one, key) for one in set(emails) if one for key in keys}


def _to_keep(emails: Iterable[str]) -> set[str]:
    """Return the digests to store, both kinds, so the setting can change later."""
    key = settings.SECRET_KEY
    return {_digest(kind, one, key) for one in set(emails) if one for kind in (MAILBOX, PERSON)}


def _kind() -> str:
    return PERSON if settings.TRIAL_SHARED_BY_PLUS_ADDRESSES else MAILBOX


def _digest(kind: str, email: str, key: str) -> str:
    text = _spelling(email, kind)
    return salted_hmac(f"{SALT}.{kind}", text, key, algorithm="sha256").hexdigest()


def _spelling(email: str, kind: str) -> str:
    address = addresses.canonical(email)
    return addresses.without_tag(address) if kind == PERSON else address
