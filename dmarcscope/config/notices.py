"""What is allowed in a configuration and yet unwise, or not in place yet: warnings, none of which stops anything."""

import os
from collections.abc import Iterator
from pathlib import Path

from dmarcscope.config.lines import line_of, lines_of_keys
from dmarcscope.config.models import Settings
from dmarcscope.config.problems import Problem
from dmarcscope.intake.credentials import Secret, exposed

Remark = tuple[str, str, str]  # key, what, fix


def notices(settings: Settings, text: str, path: Path) -> list[Problem]:
    """What to warn of in usable settings, by line; the text is that of the file they are from. No secret is read."""
    found = lines_of_keys(text)
    remarks = [*of_secrets(settings, path), *of_tls(settings), *of_paths(settings)]
    made = [Problem(line_of(found, tuple(key.split("."))), key, what, fix) for key, what, fix in remarks]
    return sorted(made, key=lambda each: each.line)


def of_secrets(settings: Settings, path: Path) -> Iterator[Remark]:
    """Secrets that others may read, or that are not there."""
    for name, mailbox in settings.mailbox.items():
        for key, secret in mailbox.secrets():
            for what, fix in of_secret(secret, path):
                yield f"mailbox.{name}.{key}", what, fix
    if settings.smtp is not None and settings.smtp.password is not None:
        for what, fix in of_secret(settings.smtp.password.secret(settings.smtp.user or ""), path):
            yield "smtp.password", what, fix


def of_secret(secret: Secret, path: Path) -> Iterator[tuple[str, str]]:
    """What to say of one secret in the configuration file at a path."""
    if secret.clear is not None:
        yield "this secret stands in clear in the file", 'Move it elsewhere: { file = "…" }, { keyring = "…" }'
        if path.is_file() and exposed(path):
            yield f"others may read {path}, which holds a secret", f"Run: chmod 600 {path}"
    if secret.env is not None and secret.env not in os.environ:
        yield f"the environment variable {secret.env} is not set here", "Set it where dmarcscope runs"
    if secret.file is not None:
        if not secret.file.is_file():
            yield f"there is no file {secret.file}, or it may not be read", "Put the secret there, and run chmod 600 on it"
        elif exposed(secret.file):
            yield f"others may read {secret.file}; dmarcscope will not take the secret from it", f"Run: chmod 600 {secret.file}"


def of_tls(settings: Settings) -> Iterator[Remark]:
    """Servers that are trusted without reason."""
    for name, mailbox in settings.mailbox.items():
        tls = mailbox.tls
        if tls.insecure_plaintext:
            what = "NO TLS: everyone on the way can read the password and the mail"
            yield f"mailbox.{name}.tls.insecure_plaintext", what, "Use imaps:// or STARTTLS"
        if tls.insecure_no_verification:
            what = "ANY CERTIFICATE IS TAKEN: whoever is between can read the password and the mail"
            yield f"mailbox.{name}.tls.insecure_no_verification", what, "Name the authority in ca_file"
        if tls.ca_file is not None and not tls.ca_file.is_file():
            yield f"mailbox.{name}.tls.ca_file", f"there is no file {tls.ca_file}, or it may not be read", "Check the path"
    ca_file = settings.smtp.ca_file if settings.smtp is not None else None
    if ca_file is not None and not ca_file.is_file():
        yield "smtp.ca_file", f"there is no file {ca_file}, or it may not be read", "Check the path"


def of_paths(settings: Settings) -> Iterator[Remark]:
    """Watched folders and files about senders that are not there."""
    for name, folder in settings.folder.items():
        if not folder.path.is_dir():
            yield f"folder.{name}.path", f"there is no folder {folder.path}", "Make it, or check the path"
    for key in ("networks", "catalogue"):
        for file in getattr(settings.senders, key):
            if not file.is_file():
                yield f"senders.{key}", f"there is no file {file}, or it may not be read", "Check the path"
