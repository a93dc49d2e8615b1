"""allauth's addresses of which the views are ours. `portal.urls` lists them before allauth's."""

from django.urls import path

from members import code_views, entrance_views
from members.second_step_views import ActivateView

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
        code_views.LoginCodeView.as_view(),
        name="account_confirm_login_code",
    ),
    path(
        "confirm-email/",
        code_views.EmailCodeView.as_view(),
        name="account_email_verification_sent",
    ),
    path("phone/verify/", code_views.verify_phone, name="account_verify_phone"),
    path(
        "password/reset/",
        entrance_views.PasswordResetView.as_view(),
        name="account_reset_password",
    ),
    path(
        "password/reset/confirm/",
        code_views.PasswordCodeView.as_view(),
        name="account_confirm_password_reset_code",
    ),
    path("2fa/totp/activate/", ActivateView.as_view(), name="mfa_activate_totp"),
]
