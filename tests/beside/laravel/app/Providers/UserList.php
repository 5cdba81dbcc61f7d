<?php

namespace App\Providers;

use Illuminate\Auth\GenericUser;
use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Contracts\Auth\UserProvider;

// Users without a database.
class UserList implements UserProvider
{
    private const USERS = [
        4 => ['id' => 4, 'name' => 'anne', 'password' => 'garden', 'remember_token' => ''],
        5 => ['id' => 5, 'name' => 'bob', 'password' => 'window', 'remember_token' => ''],
    ];

    public function retrieveById($id)
    {
        return isset(self::USERS[$id]) ? new GenericUser(self::USERS[$id]) : null;
    }

    public function retrieveByToken($id, $token)
    {
        return null;
    }

    public function updateRememberToken(Authenticatable $user, $token)
    {
    }

    public function retrieveByCredentials(array $credentials)
    {
        $user = array_search($credentials['name'], array_column(self::USERS, 'name', 'id'));
        return $user === false ? null : $this->retrieveById($user);
    }

    public function validateCredentials(Authenticatable $user, array $credentials)
    {
        return $user->getAuthPassword() === $credentials['password'];
    }
}
