#!/usr/bin/env bash
# Push the public tree to a repository whose history consists of such trees alone, so that no commit
# of it ever holds a solution. Usage: make public && tools/push_public.sh REPOSITORY
set -euo pipefail
cd "$(dirname "$0")/.."

repository="${1:?name the repository to push to}"
[ -d _build/public ] || { echo "There is no public tree: run 'make public' first." >&2; exit 1; }
history="$(mktemp -d)"
trap 'rm -rf "$history"' EXIT

git clone --quiet --no-checkout "$repository" "$history"
# What a build left in the tree is kept out by the tree's own .gitignore.
in_tree=(git --git-dir="$history/.git" --work-tree=_build/public)
"${in_tree[@]}" add --all .
if "${in_tree[@]}" diff --cached --quiet 2>/dev/null && "${in_tree[@]}" rev-parse --quiet --verify HEAD >/dev/null; then
  echo "The public repository is up to date."
  exit 0
fi
"${in_tree[@]}" -c user.name="The Downhill authors" -c user.email="noreply@downhill-course.github.io" \
  commit --quiet --message "Downhill as of $(git log -1 --format=%cs)"
"${in_tree[@]}" push --quiet "$repository" HEAD:main
echo "Pushed to the public repository."
