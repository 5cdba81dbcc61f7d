// A shop with a login.

import express from 'express';
import session from 'express-session';

// The guide's function.

const USERS = { anne: { id: 4, password: 'garden' }, bob: { id: 5, password: 'window' } };
const app = express();
app.use(express.urlencoded());
app.use(session({ secret: 'secret', resave: false, saveUninitialized: false, cookie: { maxAge: 60_000 } }));

app.post('/login', (request, response, next) => {
  const user = USERS[request.body.name];
  if (user?.password !== request.body.password) return response.sendStatus(401);
  request.session.regenerate((error) => {
    if (error) return next(error);
    request.session.user = user.id;
    request.session.message = 'welcome';
    response.redirect('/session');
  });
});

app.get('/login', (_, response) => response.send('Log in'));

app.get('/session', (request, response) => {
  const { user = null, message = null } = request.session;
  delete request.session.message;
  response.json({ user, message, session: request.sessionID, expires: request.session.cookie.expires });
});

// The guide's routes.

app.listen(Number(process.argv[2]), '127.0.0.1');
