# The exporter's container: the action, and the same program in any other CI.
# Plain instructions only (no RUN --mount, heredoc or COPY --link), so that every builder can build it.
# Behind a mirror: --build-arg DEBIAN_MIRROR=http://HOST/debian --build-arg PIP_INDEX_URL=https://HOST/simple
FROM debian:trixie-slim AS venv
ARG DEBIAN_MIRROR=http://deb.debian.org/debian
ARG PIP_INDEX_URL=
# The hashes of the lock file vouch for every byte, so a proxy that signs with an authority of its own may carry them.
ARG PIP_TRUSTED_HOST="pypi.org files.pythonhosted.org"
RUN echo "deb $DEBIAN_MIRROR trixie main" >/tmp/sources.list \
 && apt-get -o Dir::Etc::SourceList=/tmp/sources.list -o Dir::Etc::SourceParts=- update -qq \
 && apt-get install -qq -y --no-install-recommends python3 python3-venv ca-certificates
COPY requirements.lock /tmp/
RUN python3 -m venv /opt/exporter \
 && /opt/exporter/bin/pip install --no-cache-dir --no-compile --no-deps --only-binary :all: --require-hashes --requirement /tmp/requirements.lock \
 && /opt/exporter/bin/pip uninstall --quiet --yes pip
COPY exporter /tmp/exporter
COPY entrypoint.py /opt/exporter/bin/exporter
# Compiled for start-up (0.10 s instead of 0.15 s for a bare run), but for what a run never imports.
RUN site=$(/opt/exporter/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
 && cp -r /tmp/exporter "$site/exporter" \
 && /opt/exporter/bin/python -m compileall -q --invalidation-mode unchecked-hash -x '/(cffi|cryptography|github|jwt|nacl|pycparser)/' "$site" \
 && chmod 755 /opt/exporter/bin/exporter

FROM debian:trixie-slim
ARG DEBIAN_MIRROR=http://deb.debian.org/debian
# Left out: manuals, perl's library (git needs it for none of the commands used here), git's servers and mail, what of ssh copies files.
RUN printf 'path-exclude=%s\n' \
      '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/locale/*' '/usr/share/bash-completion/*' '/usr/share/lintian/*' '/usr/share/gitweb/*' \
      '/usr/share/perl/5*' '/usr/lib/*/perl/5*' '/usr/lib/*/libperl.so*' \
      '/usr/lib/git-core/git-daemon' '/usr/lib/git-core/git-http-backend' '/usr/lib/git-core/git-http-fetch' '/usr/lib/git-core/git-http-push' \
      '/usr/lib/git-core/git-imap-send' '/usr/lib/git-core/git-shell' '/usr/bin/scalar' '/usr/lib/git-core/scalar' \
      '/usr/bin/scp' '/usr/bin/sftp' '/usr/bin/ssh-copy-id' '/usr/lib/openssh/*' \
      >/etc/dpkg/dpkg.cfg.d/exporter \
 && echo "deb $DEBIAN_MIRROR trixie main" >/tmp/sources.list \
 && apt-get -o Dir::Etc::SourceList=/tmp/sources.list -o Dir::Etc::SourceParts=- update -qq \
 && apt-get install -qq -y --no-install-recommends python3 git docker-cli docker-buildx openssh-client bash-static busybox-static ca-certificates \
 && rm -rf /tmp/sources.list /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/*
COPY --from=venv /opt/exporter /opt/exporter
# Where a CI sets another HOME (GitHub: /github/home), ssh looks there too; by itself it knows only the one of /etc/passwd.
RUN printf '%s\n' 'Match exec "test $HOME != /root"' 'UserKnownHostsFile ${HOME}/.ssh/known_hosts ~/.ssh/known_hosts' \
      'IdentityFile ${HOME}/.ssh/id_ed25519' 'IdentityFile ${HOME}/.ssh/id_ecdsa' 'IdentityFile ${HOME}/.ssh/id_rsa' \
      >/etc/ssh/ssh_config.d/home.conf
# A login shell, or a CI that brings a PATH of its own, finds the program all the same.
RUN ln -s /opt/exporter/bin/exporter /usr/local/bin/exporter
ENV PATH=/opt/exporter/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
# Root: the workspace, the files for outputs and the engine's socket of a runner belong to three different users.
USER root
# Exec form: Python is process 1 and gets the runner's signals.
ENTRYPOINT ["/opt/exporter/bin/python", "-I", "/opt/exporter/bin/exporter"]
