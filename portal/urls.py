"""URLs that people visit, plus those of `portal.machine_urls` for `reverse()`."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from common.brand import brand_css
from members.signin.staff_sign_in import sign_in
from members.text_links import short_link
from portal import views
from portal.backoffice.invitation_views import invitation
from portal.backoffice.search import search_page
from portal.styleguide import styleguide

handler400 = views.bad_request

urlpatterns = [
    path("", views.home, name="home"),
    path("", include("billing.urls")),
    path("", include("portal.selfservice.urls")),
    path("team/<str:token>/", invitation, name="staff-invitation"),
    path("t/<str:code>/", short_link, name="short-link"),
    path("account/", include("members.urls")),
    path("accounts/", include("members.signin.urls")),
    # Without allauth's own addresses of Google and Apple, whose place is in `members.signin.urls`.
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("staff/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("staff/login/", sign_in),
    path("staff/search/", search_page),
    path("staff/", admin.site.urls),
    path("brand.css", brand_css, name="brand-css"),
    path("styleguide/", styleguide, name="styleguide"),
    path("", include("portal.machine_urls")),
]
if settings.DEVELOPMENT:
    urlpatterns += [path("error/<int:status>/", views.error_page, name="error-page")]
