<?php

namespace App\Controllers;

use CodeIgniter\HTTP\ResponseInterface;

class Account extends BaseController
{
    private const USERS = ['anne' => [4, 'garden'], 'bob' => [5, 'window']];

    public function login(): ResponseInterface
    {
        [$user, $password] = self::USERS[$this->request->getPost('name')];
        if ($password !== $this->request->getPost('password')) {
            return $this->response->setStatusCode(401);
        }
        session()->regenerate(true);
        session()->set('user', $user);
        session()->setFlashdata('message', 'welcome');
        return redirect()->to('/session');
    }

    public function show(): ResponseInterface
    {
        return $this->response->setJSON([
            'user' => session('user'),
            'message' => session()->getFlashdata('message'),
            'session' => session_id(),
        ]);
    }

    // The guide's methods.
}
