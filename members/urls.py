"""URLs of the member's own account. None has an ID: each shows the signed-in member.

The links that confirm an address or turn off emails are signed, and work while signed out.
"""

from django.urls import path

from members import activity_views, correction_views, notification_views, views

app_name = "members"
urlpatterns = [
    path("", views.account, name="account"),
    path("activity/", activity_views.activity, name="activity"),
    path("notifications/", notification_views.notifications, name="notifications"),
    path("notifications/off/<str:token>/", notification_views.unsubscribe, name="unsubscribe"),
    path("email/works/", notification_views.email_works, name="email-works"),
    path("profile/", views.save_profile, name="profile"),
    path("text-messages/", views.text_messages, name="text-messages"),
    path("email/confirm/<str:token>/", correction_views.confirm_email, name="confirm-email"),
    path("phone/remove/", views.remove_phone, name="phone-remove"),
    path("phone/skip/", views.skip_phone, name="phone-skip"),
]
