<?php

namespace App\Providers;

// The guide's imports.
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\ServiceProvider;

class AppServiceProvider extends ServiceProvider
{
    public function boot(): void
    {
        Auth::provider('list', fn () => new UserList());
        Route::middleware('web')->group(base_path('routes/web.php'));
        // The guide's route.
    }
}
