"""allauth's URLs with our own views. `portal.urls` lists them before allauth's."""

from allauth.account.views import password_reset_from_key, password_set
from django.contrib.auth.decorators import login_not_required, login_required
from django.urls import path
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView

from members.signin import (
    code_views,
    contact_views,
    entrance_views,
    passkey_views,
    session_views,
    social_views,
)
from members.signin.mfa_views import ActivateView, DeactivateView, IndexView, SecondStepView
from members.signin.recent_login import confirmed_lately, signed_in_lately

urlpatterns = [
    path("login/", entrance_views.LoginView.as_view(), name="account_login"),
    path("signup/", entrance_views.SignupView.as_view(), name="account_signup"),
    path(
        "login/code/",
        entrance_views.RequestLoginCodeView.as_view(),
        name="account_request_login_code",
    ),
    path(
        "login/code/confirm/",
        login_not_required(code_views.LoginCodeView.as_view()),
        name="account_confirm_login_code",
    ),
    path(
        "login/link/<str:token>/",
        login_not_required(entrance_views.sign_in_link),
        name="account_login_link",
    ),
    path(
        "confirm-email/",
        login_not_required(code_views.EmailCodeView.as_view()),
        name="account_email_verification_sent",
    ),
    path("email/", confirmed_lately(contact_views.EmailView.as_view()), name="account_email"),
    path(
        "phone/change/",
        confirmed_lately(contact_views.ChangePhoneView.as_view()),
        name="account_change_phone",
    ),
    path("phone/verify/", login_not_required(code_views.verify_phone), name="account_verify_phone"),
    path(
        "password/reset/",
        entrance_views.PasswordResetView.as_view(),
        name="account_reset_password",
    ),
    path(
        "password/reset/confirm/",
        login_not_required(code_views.PasswordCodeView.as_view()),
        name="account_confirm_password_reset_code",
    ),
    path(
        "password/reset/key/<str:uidb36>/<str:key>/",
        password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/set/", signed_in_lately(password_set), name="account_set_password"),
    path("google/login/", social_views.start, {"provider": "google"}, name="google_login"),
    path(
        "google/login/callback/", social_views.back, {"provider": "google"}, name="google_callback"
    ),
    path("apple/login/", social_views.start, {"provider": "apple"}, name="apple_login"),
    path("apple/login/callback/", social_views.apple_posts, name="apple_callback"),
    path(
        "apple/login/callback/finish/",
        social_views.back,
        {"provider": "apple"},
        name="apple_finish_callback",
    ),
    path("connections/taken/", social_views.taken, name="socialaccount_signup"),
    path("connections/<int:pk>/remove/", social_views.disconnect, name="social_disconnect"),
    path(
        "connections/google/", social_views.connect, {"provider": "google"}, name="connect_google"
    ),
    path("connections/apple/", social_views.connect, {"provider": "apple"}, name="connect_apple"),
    path("2fa/", login_required(IndexView.as_view()), name="mfa_index"),
    path(
        "2fa/authenticate/",
        login_not_required(SecondStepView.as_view()),
        name="mfa_authenticate",
    ),
    path("2fa/totp/activate/", signed_in_lately(ActivateView.as_view()), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", DeactivateView.as_view(), name="mfa_deactivate_totp"),
    path("sessions/", session_views.devices, name="usersessions_list"),
    path("sessions/<int:pk>/end/", session_views.end, name="usersessions_end"),
    # Always there, as the portal's address decides at run time whether there are passkeys.
    path(
        "2fa/webauthn/",
        login_required(require_safe(RedirectView.as_view(pattern_name="mfa_index"))),
        name="mfa_list_webauthn",
    ),
    path(
        "2fa/webauthn/add/",
        signed_in_lately(passkey_views.AddView.as_view()),
        name="mfa_add_webauthn",
    ),
    path(
        "2fa/webauthn/login/",
        login_not_required(passkey_views.SignInView.as_view()),
        name="mfa_login_webauthn",
    ),
    path(
        "2fa/webauthn/reauthenticate/",
        passkey_views.ConfirmView.as_view(),
        name="mfa_reauthenticate_webauthn",
    ),
    path(
        "2fa/webauthn/keys/<int:pk>/edit/",
        passkey_views.RenameView.as_view(),
        name="mfa_edit_webauthn",
    ),
    path(
        "2fa/webauthn/keys/<int:pk>/remove/",
        passkey_views.RemoveView.as_view(),
        name="mfa_remove_webauthn",
    ),
]
