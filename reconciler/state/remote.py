"""From where a repository is to a git that can go there, and nowhere else.

All there is to say of it stands in the clone's own configuration, so that whoever uses the clone
(``commits_since`` deepens it) goes the same way. Credentials stand there by reference only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.settings import Source, Ssh, Token
from reconciler.state.gitcall import Git, GitTrouble, Reason
from reconciler.urls import protocol_of

SEEN = "refs/source/seen"
"""The head of the branch when it was last reached."""
_PASSED_ON = (
    "PATH", "TMPDIR", "https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY",
    "no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip
"""What of our environment git sees."""
_SLOW_SECONDS = 30
_OLD_FAULTS = ("badTimezone", "missingSpaceBeforeDate", "missingSpaceBeforeEmail",
               "zeroPaddedFilemode")  # fmt: skip
"""What old programs wrote into commits, and harms nobody."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of git's configuration."""

    name: str
    values: Mapping[str, str]
    about: str = ""

    def __str__(self) -> str:
        head = f'[{self.name} "{_escaped(self.about)}"]' if self.about else f"[{self.name}]"
        lines = (f'\t{key} = "{_escaped(value)}"' for key, value in self.values.items())
        return "\n".join((head, *lines, ""))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def git_for(source: Source, clone: Path, around: Mapping[str, str]) -> Git:
    """Give the git that works on the clone of a source.

    ``around`` is the environment that the token's variable is in. Neither the machine's nor the
    user's configuration counts, nor keys, agents, password stores and hooks.

    Raises:
        GitTrouble: a file or variable with credentials is not there.

    """
    token = _read_token(source.token, around) if source.token else ""
    for name, path in _files(source):
        if not Path(path).is_file():
            raise GitTrouble(Reason.AUTHENTICATION, f"{path}: no such file ({name})")
    environment = {name: around[name] for name in _PASSED_ON if name in around}
    environment |= {
        "LC_ALL": "C",
        "HOME": str(clone.parent),  # curl reads .netrc there
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(safe_file(clone)),
        "GIT_ALLOW_PROTOCOL": protocol_of(source.url),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
    }
    if source.ssh:
        environment["GIT_SSH_COMMAND"] = ssh_command(source.ssh)
    if source.token and source.token.env:
        environment[source.token.env] = token
    return Git(clone, environment, source.timeout, (token,) if token else ())


def _files(source: Source) -> Iterable[tuple[str, str]]:
    if source.ssh:
        yield "source.ssh.key", source.ssh.key
        yield "source.ssh.known_hosts", source.ssh.known_hosts
    if source.ca:
        yield "source.ca", source.ca


def _read_token(token: Token, around: Mapping[str, str]) -> str:
    if token.env:
        found, place = around.get(token.env, ""), f"the variable {token.env}"
    else:
        place = str(token.file)
        try:
            found = Path(place).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            text = f"{place}: cannot be read (source.token.file)"
            raise GitTrouble(Reason.AUTHENTICATION, text) from error
    found = found.strip()
    if not found or not found.isprintable():
        raise GitTrouble(Reason.AUTHENTICATION, f"{place} holds no token of one line")
    return found


def ssh_command(ssh: Ssh) -> str:
    """Give the command that git calls: one key, the host keys of one file, and no questions."""
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": ssh.known_hosts,
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "ForwardAgent": "no",
        "ConnectTimeout": "15",
        "ServerAliveInterval": "10",
        "ServerAliveCountMax": "3",
    }
    words = " ".join(f"-o {name}={value}" for name, value in options.items())
    return f"ssh -F /dev/null {words} -i {ssh.key}"


def safe_file(clone: Path) -> Path:
    """Give the file that stands for the user's configuration."""
    return clone.parent / "gitconfig"


def safe_config(source: Source, clone: Path) -> str:
    """Give what only the user's configuration may say: whose folders are trusted.

    A volume may belong to another user than the one that we are.
    """
    folders = [str(clone)]
    if protocol_of(source.url) == "file":
        top = source.url.removeprefix("file://").rstrip("/")
        folders += [top, f"{top}/.git"]
    return "".join(str(Section("safe", {"directory": folder})) for folder in folders)


def clone_config(source: Source) -> str:
    """Give the clone's configuration, whole."""
    protocol = protocol_of(source.url)
    sections = [
        Section("core", {
            "repositoryFormatVersion": "0", "bare": "true", "hooksPath": "/dev/null",
            "fsmonitor": "false", "askPass": "",
        }),
        Section("remote", {
            "url": source.url, "fetch": f"+refs/heads/{source.branch}:{SEEN}",
            "tagOpt": "--no-tags",
        }, "origin"),
        Section("protocol", {"allow": "never"}),
        Section("protocol", {"allow": "always"}, protocol),
        Section("transfer", {"fsckObjects": "true"}),
        Section("fetch", dict.fromkeys(_OLD_FAULTS, "ignore"), "fsck"),
        Section("fetch", {"recurseSubmodules": "false"}),
        Section("gc", {"autoDetach": "false"}),
        Section("maintenance", {"autoDetach": "false"}),
        Section("http", {"lowSpeedLimit": "1", "lowSpeedTime": str(_SLOW_SECONDS)}),
        Section("credential", {"helper": ""}),
    ]  # fmt: skip
    if source.ssh:
        sections.append(Section("core", {"sshCommand": ssh_command(source.ssh)}))
    if source.ca:
        sections.append(Section("http", {"sslCAInfo": source.ca}))
    if source.token:
        sections.append(_helper(source.url, source.token))
    return "".join(map(str, sections))


def _helper(url: str, token: Token) -> Section:
    """Give the helper that answers this server alone, wherever a redirect may lead."""
    parts = urlsplit(url)
    where = f'"${token.env}"' if token.env else f'"$(cat {token.file})"'
    script = (
        '!f() { test "$1" = get || exit 0; '
        f"printf 'username=%s\\npassword=%s\\n' {token.username} {where}; }}; f"
    )
    return Section("credential", {"helper": script}, f"{parts.scheme}://{parts.netloc}")
