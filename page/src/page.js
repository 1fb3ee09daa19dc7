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

  // Hours that a button has asked for: their window moves along with the time, also after the page was loaded again.
  let hours = history.state && history.state.hours;
  const address = () => {
    if (!hours) return location.href;
    const asked = new URLSearchParams(location.search);
    asked.set('since', new Date(Date.now() - hours * 3600000).toISOString());
    asked.delete('until');
    return location.pathname + '?' + asked;
  };
  pause.addEventListener('click', () => {
    pause.setAttribute('aria-pressed', String(pause.getAttribute('aria-pressed') !== 'true'));
  });

  // Who reads a trace, has marked a text, or is on a link of what would go, is left alone.
  const isBusy = () => document.hidden || location.hash.startsWith('#t-') || pause.getAttribute('aria-pressed') === 'true' ||
    !getSelection().isCollapsed || main().contains(document.activeElement) && document.activeElement !== main();

  let asking = false;
  const refresh = async isForced => {
    if (asking || !isForced && isBusy()) return;
    asking = true;
    try {
      const answer = await fetch(address(), {headers: {Accept: 'text/html'}, cache: 'no-store'});
      const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('page');
      if (!fresh) throw new Error(answer.status);
      if (!isForced && isBusy()) return;
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
  };
  for (const button of document.querySelectorAll('[data-hours]')) {
    button.addEventListener('click', () => {
      hours = Number(button.dataset.hours);
      history.replaceState({hours}, '', address());
      refresh(true);
    });
  }
  setInterval(() => {
    // Else figures would look new that are not.
    if (isBusy() && !document.hidden && pause.getAttribute('aria-pressed') !== 'true') state.textContent = 'Not refreshed while you read.';
    refresh(false);
  }, 30000);
  if (hours) refresh(true);
})();
