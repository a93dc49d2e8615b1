"""The mailbox over IMAP: pymap's server, with the world's store behind it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any, NoReturn

from pymap.backend.mailbox import MailboxDataInterface, MailboxSetInterface
from pymap.backend.session import BaseSession
from pymap.bytes import Writeable
from pymap.concurrent import Event, Subsystem
from pymap.config import BackendCapability, IMAPConfig
from pymap.context import current_command
from pymap.exceptions import AuthorizationFailure, InvalidAuth, NotAllowedError
from pymap.flags import FlagOp
from pymap.interfaces.login import IdentityInterface, LoginInterface
from pymap.interfaces.message import CachedMessage
from pymap.listtree import ListTree
from pymap.mailbox import MailboxSnapshot
from pymap.message import BaseLoadedMessage, BaseMessage
from pymap.mime import MessageContent
from pymap.parsing.command.select import CloseCommand
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import FetchRequirement, ObjectId, SequenceSet
from pymap.parsing.specials.flag import Flag, Seen
from pymap.selected import SelectedMailbox, SelectedSet
from pymap.token import AllTokens
from pymap.user import UserMetadata
from pysasl.creds.server import ServerCredentials
from pysasl.identity import ClearIdentity

from sandbox.bank import store
from sandbox.world import World

USER, PASSWORD, FOLDER = "bank", "bank", "INBOX"
GLANCE = 0.2
"""Seconds after which an idle connection looks for news."""


class Config(IMAPConfig):
    """No TLS and no password hashing: nobody but this machine can connect."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            host=host,
            port=port,
            tls_enabled=False,
            ssl_context=SSLContext(PROTOCOL_TLS_SERVER),
            cpu_subsystem=Subsystem.for_asyncio(),
        )

    @property
    def backend_capability(self) -> BackendCapability:
        return BackendCapability(idle=True, object_id=True, multi_append=True)

    @property
    def greeting(self) -> bytes:
        # pymap's asks DNS for this machine's name.
        return b"Sandbox bank ready."


class Message(BaseMessage):
    """A message's metadata; its text is read when it's asked for."""

    def __init__(self, mail: store.Mail, *, expunged: bool = False) -> None:
        super().__init__(
            mail["uid"],
            datetime.fromtimestamp(mail["received_at"], UTC),
            [Flag(flag.encode()) for flag in mail["flags"]],
            email_id=ObjectId(str(mail["id"]).encode()),
            expunged=expunged,
        )
        self.mail = mail

    async def load_content(self, requirement: FetchRequirement) -> Loaded:
        if requirement.has_none(FetchRequirement.CONTENT):
            return Loaded(self, requirement, None)
        raw = store.raw(self.mail)
        return Loaded(self, requirement, MessageContent.parse(raw), raw)


class Loaded(BaseLoadedMessage):
    """A message's text. As a whole it's what arrived, byte by byte: a signature depends on it."""

    def __init__(
        self,
        message: Message,
        requirement: FetchRequirement,
        content: MessageContent | None,
        raw: bytes = b"",
    ) -> None:
        super().__init__(message, requirement, content)
        self._raw = raw

    def get_body(
        self,
        section: Any = None,
        binary: bool = False,
    ) -> Writeable:
        if section or binary:
            return super().get_body(section, binary)
        return Writeable.wrap(self._raw)

    def get_size(self, section: Any = None) -> int:
        return super().get_size(section) if section else len(self._raw)


class Inbox(MailboxDataInterface[Message]):
    """The only folder."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._selected_set = SelectedSet()

    @property
    def mailbox_id(self) -> ObjectId:
        return ObjectId(b"F" + str(self._meta(store.NAME)).encode())

    @property
    def readonly(self) -> bool:
        return False

    @property
    def uid_validity(self) -> int:
        return int(self._meta(store.VALIDITY))

    @property
    def selected_set(self) -> SelectedSet:
        return self._selected_set

    def _meta(self, key: str) -> Any:
        with self._world.lock:
            return self._world.common.meta(key)

    async def update_selected(
        self, selected: SelectedMailbox, *, wait_on: Event | None = None
    ) -> SelectedMailbox:
        if wait_on is not None:
            # Whatever changes the world may change the mailbox, a reset too: looking is simplest.
            await wait_on.wait(timeout=GLANCE)
        if selected.mailbox_id != self.mailbox_id:
            selected.set_deleted()
            return selected
        changes = self._world.common.changes
        if selected.mod_sequence != changes:
            selected.mod_sequence = changes
            selected.set_messages([Message(mail) for mail in store.oldest_first(self._world)])
        return selected

    async def append(self, append_msg: AppendMessage, *, recent: bool = False) -> Message:
        mail = store.receive(self._world, append_msg.literal)
        flags = sorted(str(flag) for flag in append_msg.flag_set)
        store.set_flags(self._world, mail["uid"], flags)
        return Message(mail)

    async def copy(self, uid: int, destination: Inbox, *, recent: bool = False) -> NoReturn:
        raise NotAllowedError("There is only one folder.")

    async def move(self, uid: int, destination: Inbox, *, recent: bool = False) -> NoReturn:
        raise NotAllowedError("There is only one folder.")

    async def get(self, uid: int, cached_msg: CachedMessage) -> Message:
        mail = store.find(self._world, uid)
        if mail is not None:
            return Message(mail)
        if not isinstance(cached_msg, Message):
            raise TypeError(cached_msg)
        return Message(cached_msg.mail, expunged=True)

    async def update(
        self, uid: int, cached_msg: CachedMessage, flag_set: frozenset[Flag], mode: FlagOp
    ) -> Message:
        message = await self.get(uid, cached_msg)
        flags = mode.apply(message.permanent_flags, flag_set)
        store.set_flags(self._world, uid, sorted(str(flag) for flag in flags))
        return await self.get(uid, cached_msg)

    async def delete(self, uids: Iterable[int]) -> None:
        for uid in uids:
            store.remove(self._world, uid)

    async def claim_recent(self, selected: SelectedMailbox) -> None:
        """No message is ever recent: servers are free to say so."""

    async def cleanup(self) -> None:
        """Nothing to tidy up."""

    async def snapshot(self) -> MailboxSnapshot:
        messages = [Message(mail) for mail in store.oldest_first(self._world)]
        unseen = [place for place, one in enumerate(messages, 1) if Seen not in one.permanent_flags]
        return MailboxSnapshot(
            self.mailbox_id,
            self.readonly,
            self.uid_validity,
            self.permanent_flags,
            self.session_flags,
            len(messages),
            0,
            len(unseen),
            unseen[0] if unseen else None,
            int(self._meta(store.LAST_UID)) + 1,
        )


class Folders(MailboxSetInterface[Inbox]):
    """Only INBOX, and no way to make another."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    @property
    def delimiter(self) -> str:
        return "/"

    async def set_subscribed(self, name: str, subscribed: bool) -> None:
        """INBOX is subscribed anyway."""

    async def list_subscribed(self) -> ListTree:
        return await self.list_mailboxes()

    async def list_mailboxes(self) -> ListTree:
        return ListTree(self.delimiter).update(FOLDER)

    async def get_mailbox(self, name: str) -> Inbox:
        if name.upper() != FOLDER:
            raise KeyError(name)
        return self._inbox

    async def add_mailbox(self, name: str) -> NoReturn:
        raise NotAllowedError("There is only one folder.")

    async def delete_mailbox(self, name: str) -> NoReturn:
        raise KeyError(name)

    async def rename_mailbox(self, before: str, after: str) -> NoReturn:
        raise NotAllowedError("There is only one folder.")


class Session(BaseSession[Message]):
    """What a connection works with once it's signed in."""

    def __init__(self, config: Config, folders: Folders) -> None:
        super().__init__(USER)
        self._config, self._folders = config, folders

    @property
    def config(self) -> Config:
        return self._config

    @property
    def mailbox_set(self) -> Folders:
        return self._folders

    async def expunge_mailbox(
        self, selected: SelectedMailbox, uid_set: SequenceSet | None = None
    ) -> SelectedMailbox:
        # RFC 3501, 6.4.2: CLOSE is no error there, which pymap makes it.
        if selected.readonly and isinstance(current_command.get(), CloseCommand):
            return selected
        return await super().expunge_mailbox(selected, uid_set)


class Login(LoginInterface):
    """One user and one password."""

    def __init__(self, world: World, config: Config) -> None:
        self._session = Session(config, Folders(Inbox(world)))
        self._tokens = AllTokens(config)

    @property
    def tokens(self) -> AllTokens:
        return self._tokens

    async def authenticate(self, credentials: ServerCredentials) -> Owner:
        if not credentials.verify(ClearIdentity(USER, PASSWORD)):
            raise InvalidAuth
        return Owner(self._session)

    async def authorize(self, authenticated: IdentityInterface, authzid: str) -> Owner:
        if authzid != authenticated.name:
            raise AuthorizationFailure
        return Owner(self._session)


class Owner(IdentityInterface):
    """The mailbox's owner, whom IMAP can't change."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def name(self) -> str:
        return USER

    @property
    def roles(self) -> frozenset[str]:
        return frozenset()

    @asynccontextmanager
    async def new_session(self) -> AsyncIterator[Session]:
        yield self._session

    async def new_token(self, *, expiration: datetime | None = None) -> None:
        return None

    async def get(self) -> UserMetadata:
        return UserMetadata(self._session.config, USER)

    async def set(self, metadata: UserMetadata) -> NoReturn:
        raise NotAllowedError

    async def delete(self) -> NoReturn:
        raise NotAllowedError
