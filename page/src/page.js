// Shows the page anew every 30 seconds where a server is behind it. In a file it does nothing.
(() => {
  'use strict';
  const main = () => document.getElementById('page');
  if (!/^https?:$/.test(location.protocol)) return;
  document.documentElement.classList.add('has-server');
  if (!main().dataset.live) return;
  const pause = document.getElementById('pause');
  const state = document.getElementById('state');
  document.getElementById('controls').hidden = false;

  for (const button of document.querySelectorAll('[data-hours]')) {
    button.addEventListener('click', () => {
      const asked = new URLSearchParams(location.search);
      asked.set('since', new Date(Date.now() - button.dataset.hours * 3600000).toISOString());
      asked.delete('until');
      location.assign(location.pathname + '?' + asked);
    });
  }
  pause.addEventListener('click', () => {
    pause.setAttribute('aria-pressed', String(pause.getAttribute('aria-pressed') !== 'true'));
  });

  // Who reads a trace, has marked a text, or is on a link of what would go, is left alone.
  const isBusy = () => document.hidden || location.hash.startsWith('#t-') || pause.getAttribute('aria-pressed') === 'true' ||
    !getSelection().isCollapsed || main().contains(document.activeElement) && document.activeElement !== main();

  let asking = false;
  setInterval(async () => {
    if (asking || isBusy()) return;
    asking = true;
    try {
      const answer = await fetch(location.href, {headers: {Accept: 'text/html'}, cache: 'no-store'});
      const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('page');
      if (!fresh) throw new Error(answer.status);
      if (isBusy()) return;
      for (const open of main().querySelectorAll('details[open]')) {
        const same = fresh.querySelector('#' + CSS.escape(open.id));
        if (same) same.open = true;
      }
      main().replaceWith(document.adoptNode(fresh));
      state.textContent = '';
    } catch (error) {
      state.textContent = 'Could not be refreshed; trying again.';
    } finally {
      asking = false;
    }
  }, 30000);
})();
