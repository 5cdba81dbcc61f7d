<?php

use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\Route;

Route::post('/login', function (Request $request) {
    abort_unless(Auth::attempt($request->only('name', 'password')), 401);
    $request->session()->regenerate();
    $request->session()->flash('message', 'welcome');
    return redirect('/session');
});

Route::get('/session', fn (Request $request) => [
    'user' => $request->user()?->id,
    'message' => $request->session()->get('message'),
    'session' => $request->session()->getId(),
]);

Route::get('/login', fn () => 'Log in')->name('login');

// The guide's routes.
