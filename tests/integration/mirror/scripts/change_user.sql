# from account to account
.change_user second app_mirror
SELECT CURRENT_USER(), DATABASE()
.change_user empty app
SELECT CURRENT_USER(), DATABASE()
.change_user app app_mirror
SELECT CURRENT_USER(), DATABASE()
