-- Empty on a connection that is not encrypted.
SHOW SESSION STATUS WHERE Variable_name = 'Ssl_cipher'
