(() => {
  // the words of find_feature: lower case, without the ending of a plural, without words that say nothing
  const stop = new Set({{ stop_words | tojson }});
  const stem = (word) => word.replace(/ies$/, "y").replace(/([a-z]{3,}[^s])s$/, "$1");
  const words = (text) => text.toLowerCase().split(/[^a-z0-9]+/).map(stem).filter((word) => word && !stop.has(word));
  const query = document.getElementById("q"), theme = document.getElementById("theme");
  const list = document.getElementById("features"), features = [...list.children];
  const found = document.getElementById("found"), nothing = document.getElementById("nothing");
  const known = new Set(features.flatMap((one) => one.dataset.words.trim().split(" ")));

  // the word that is being typed counts as soon as it begins another
  const count = (text, wanted) =>
    wanted.filter((word, place) =>
      text.includes(known.has(word) || place < wanted.length - 1 ? ` ${word} ` : ` ${word}`)).length;

  const search = () => {
    const wanted = [...new Set(words(query.value))];
    const counts = features.map((one) => count(one.dataset.words, wanted));
    const most = Math.max(...counts);
    const shown = features.map((one, place) => ({
      one, named: count(one.dataset.named, wanted), place,
      fits: (!wanted.length || (most > 0 && counts[place] === most)) && (!theme.value || one.dataset.theme === theme.value),
    }));
    shown.sort((left, right) => right.named - left.named || left.place - right.place);
    shown.forEach(({ one, fits }) => { one.hidden = !fits; list.append(one); });
    const hits = shown.filter(({ fits }) => fits).length;
    found.textContent = `${hits} feature${hits === 1 ? "" : "s"}`;
    nothing.hidden = hits > 0;
    const kept = new URLSearchParams();
    if (query.value) kept.set("q", query.value);
    if (theme.value) kept.set("theme", theme.value);
    try { history.replaceState(null, "", kept.size ? `#${kept}` : "#"); } catch { /* a page in a frame keeps its address */ }
  };

  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.classList.contains("feature")) { target.open = true; target.scrollIntoView(); return; }
    const given = new URLSearchParams(location.hash.slice(1));
    query.value = given.get("q") || "";
    theme.value = given.get("theme") || "";
    search();
  };
  document.querySelector(".search").addEventListener("submit", (event) => event.preventDefault());
  query.addEventListener("input", search);
  theme.addEventListener("input", search);
  window.addEventListener("hashchange", open);
  open();
})();
