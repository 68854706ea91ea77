"""Style sheets and scripts: npm packages and `static/src` into `static/dist`, named by content.

`manifest.json` maps `console/console.css` to `console/console.1f3a5b7c9d.css`. Python does it all:
vendor files come minified, ours are small, and the web server sends the `.gz` beside each file.
Without npm the pages still work, with our own styles and no vendor scripts.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from launcher import environment
from launcher.tell import ROOT, Trouble, step, warn

SOURCE, BUILT = ROOT / "static" / "src", ROOT / "static" / "dist"
MODULES = ROOT / "node_modules"
INSTALLED = MODULES / ".installed"
FAILED = environment.STAMPS / "front-end-failed"
AGAIN_AFTER_S = 24 * 3600.0
FROM_UV = {"NODE_EXTRA_CA_CERTS": "SSL_CERT_FILE", "HTTPS_PROXY": "ALL_PROXY"}  # pip's settings
VENDOR = {  # name for `asset(…)` → file of a package
    "vendor/htmx.js": "htmx.org/dist/htmx.min.js",
    "vendor/uplot.js": "uplot/dist/uPlot.iife.min.js",
    "vendor/uplot.css": "uplot/dist/uPlot.min.css",
    "vendor/weui.css": "weui/dist/style/weui.min.css",
}
COMPRESSED = {".css", ".js", ".svg", ".json", ".txt"}
URL = re.compile(r"""url\(\s*(['"]?)(?!data:|https?:|#|/)([^'")?#]+)([?#][^'")]*)?\1\s*\)""")


def build(insist: bool = False) -> None:
    """Install the packages if need be and write `static/dist`.

    After a failure the registry is asked once a day, and whenever somebody `insist`s: a start must
    not wait for a network that is not there.
    """
    _install_packages(insist)
    with step("Styles and scripts") as shown:
        manifest = write(_sources(), BUILT)
        shown.note(f"{len(manifest)} files")


def write(sources: dict[str, Path], target: Path) -> dict[str, str]:
    """Copy `sources` into `target` under content-hashed names; returns the manifest.

    References from style sheets (`url(…)`) follow the new names. What is left of earlier builds is
    removed after the manifest has changed.
    """
    manifest: dict[str, str] = {}
    for name in sorted(sources, key=lambda name: name.endswith(".css")):  # they refer to the rest
        body = sources[name].read_bytes()
        if name.endswith(".css"):
            body = _follow(body.decode(), name, manifest).encode()
        manifest[name] = _place(target, name, body)
    fresh = target / "manifest.json.new"
    fresh.write_text(json.dumps(manifest, indent=1, sort_keys=True))
    fresh.replace(target / "manifest.json")
    _sweep(target, manifest)
    return manifest


def compile_catalogues() -> None:
    """Translate what changed in `translations/*.po` into the form that the server reads."""
    stale = [
        source
        for source in (ROOT / "translations").glob("*/LC_MESSAGES/*.po")
        if not source.with_suffix(".mo").exists()
        or source.stat().st_mtime > source.with_suffix(".mo").stat().st_mtime
    ]
    if not stale:
        return
    with step("Languages") as shown:
        done = subprocess.run(
            [str(environment.BIN / "pybabel"), "-q", "compile", "-d", str(ROOT / "translations")],
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise Trouble(f"The catalogues in translations/ are broken:\n{done.stderr.strip()}")
        shown.note(f"{len(stale)} catalogues")


def _install_packages(insist: bool) -> None:
    lock = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    if INSTALLED.exists() and INSTALLED.read_text() == lock:
        return
    if not insist and _failed_lately():
        warn("Front-end packages are missing, pages work with fewer comforts; ./dev setup tries "
             "to get them again")  # fmt: skip
        return
    try:
        npm = _npm()
        with step("Front-end packages"):
            _ci(npm)
    except Trouble as trouble:
        warn(f"Front-end packages are missing, pages work with fewer comforts: {trouble}")
        FAILED.touch()
        return
    FAILED.unlink(missing_ok=True)
    INSTALLED.write_text(lock)


def _failed_lately() -> bool:
    return FAILED.exists() and time.time() - FAILED.stat().st_mtime < AGAIN_AFTER_S


def _npm() -> list[str]:
    found = shutil.which("npm")
    return [found] if found and shutil.which("node") else environment.npm_from_wheel()


def _ci(npm: list[str]) -> None:
    found = environment.uv_environment()
    known = {ours: found[uvs] for ours, uvs in FROM_UV.items() if uvs in found}
    path = f"{Path(npm[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    try:
        done = subprocess.run(
            [*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error",
             "--fetch-retries=1"],
            cwd=ROOT, capture_output=True, text=True, timeout=300,
            env={**known, **os.environ, "PATH": path},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Trouble(f"npm does not run ({type(problem).__name__})") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "complete log" not in line]
        raise Trouble(f"npm ci failed: {' '.join(lines[:2]).strip()[:300]}")


def _sources() -> dict[str, Path]:
    own = {
        path.relative_to(SOURCE).as_posix(): path
        for path in SOURCE.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    vendor = {name: MODULES / file for name, file in VENDOR.items() if (MODULES / file).exists()}
    packages = {file.split("/")[0]: name for name, file in VENDOR.items() if name in vendor}
    licences = {
        f"vendor/licence-{package}.txt": path
        for package in packages
        for path in sorted((MODULES / package).glob("LICEN[CS]E*"))[:1]
    }
    return own | vendor | licences


def _place(target: Path, name: str, body: bytes) -> str:
    pure = PurePosixPath(name)
    digest = hashlib.sha256(body).hexdigest()[:10]
    hashed = str(pure.with_name(f"{pure.stem}.{digest}{pure.suffix}"))
    path = target / hashed
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        if pure.suffix in COMPRESSED:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(body, 9, mtime=0))
    return hashed


def _follow(text: str, name: str, manifest: dict[str, str]) -> str:
    folder = PurePosixPath(name).parent

    def renamed(match: re.Match[str]) -> str:
        quote, reference, rest = match.group(1), match.group(2).strip(), match.group(3) or ""
        wanted = os.path.normpath(folder / reference)
        if wanted not in manifest and name.startswith("vendor/"):
            return match.group(0)
        if wanted not in manifest:
            raise Trouble(f"static/src/{name} refers to {reference}, which does not exist")
        found = os.path.relpath(manifest[wanted], folder)
        return f"url({quote}{found}{rest}{quote})"

    return URL.sub(renamed, text)


def _sweep(target: Path, manifest: dict[str, str]) -> None:
    keep = {"manifest.json", *manifest.values(), *(f"{name}.gz" for name in manifest.values())}
    for path in _files(target):
        if path.relative_to(target).as_posix() not in keep:
            path.unlink()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in list(folder.rglob("*")) if path.is_file())
