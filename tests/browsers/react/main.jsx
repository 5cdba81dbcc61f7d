import { StrictMode } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { App } from './app.jsx';

window.errors = [];
hydrateRoot(document.querySelector('#root'), <StrictMode><App /></StrictMode>, {
  onRecoverableError: (error) => window.errors.push(String(error)),
  onUncaughtError: (error) => window.errors.push(String(error)),
});
