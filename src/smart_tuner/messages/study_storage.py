"""What is told about the database of a study."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class StudyStoragePhrase(Phrase):
    """Addresses that name no database, databases that cannot be used. No phrase holds a password."""

    NO_SCHEME = (
        "not the address of a study's database; write `{sqlite}` for a file of this machine, or "
        "`postgresql+psycopg://USER:PASSWORD@HOST/DATABASE` for several machines",
        "это не адрес базы подбора; для файла этой машины напишите `{sqlite}`, для нескольких машин "
        "`postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`",
    )
    OTHER_SCHEME = (
        "studies are not kept in `{scheme}`; use `sqlite:///PATH` on one machine or "
        "`postgresql+psycopg://USER:PASSWORD@HOST/DATABASE` on several",
        "подборы не хранятся в `{scheme}`; для одной машины годится `sqlite:///PATH`, для нескольких "
        "`postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`",
    )
    NO_FILE_NAMED = (
        "`sqlite://` names no file, and a study in memory is lost; write `sqlite:///PATH`",
        "`sqlite://` не называет файла, а подбор в памяти пропадёт; напишите `sqlite:///PATH`",
    )
    NOT_A_PATH = (
        "{path}: a study's file may have no ? in its path; choose another folder",
        "{path}: в пути к файлу подбора не может быть ?; выберите другую папку",
    )
    NOT_QUOTED = (
        "the database's address cannot be read: in a user name and a password write @ as %40, / as %2F, "
        ": as %3A, ? as %3F and % as %25",
        "адрес базы не разобрать: в имени и пароле пишите @ как %40, / как %2F, : как %3A, ? как %3F "
        "и % как %25",
    )
    NOT_WHOLE = (
        "the database's address names no {part}; write `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`",
        "в адресе базы не указано, чему равно `{part}`; "
        "напишите `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`",
    )
    NO_DRIVER = (
        "{url}: the driver of PostgreSQL is missing ({detail}); "
        'install it with `.venv/bin/python -m pip install "psycopg[binary]"`',
        "{url}: нет драйвера PostgreSQL ({detail}); "
        'установите его: `.venv/bin/python -m pip install "psycopg[binary]"`',
    )
    WRONG_PASSWORD = (
        "{url}: the server does not accept this user name with this password",
        "{url}: сервер не принимает это имя с этим паролем",
    )
    NO_DATABASE = (
        "{url}: the server has no such database; make it with `createdb --owner USER DATABASE`",
        "{url}: на сервере нет такой базы; создайте её: `createdb --owner USER DATABASE`",
    )
    NO_SERVER = (
        "{url}: no server answers there ({detail}); check the host, the port and whether it listens on more "
        "than its own loopback",
        "{url}: там никто не отвечает ({detail}); проверьте имя, порт и слушает ли сервер сеть",
    )
    NO_WAL = (
        "{url}: the file system does not let several processes share the file (journal `{mode}`); "
        "put it on a local disk, or use PostgreSQL",
        "{url}: файловая система не даёт нескольким процессам работать с файлом (журнал `{mode}`); "
        "положите его на местный диск или возьмите PostgreSQL",
    )
    UNUSABLE = (
        "{url}: the study's database cannot be used: {detail}",
        "{url}: база подбора негодна: {detail}",
    )
    OPENED_BY_OTHERS = (
        "{url}: other processes have been opening it for {seconds:duration}; end them, or remove {lock}",
        "{url}: другие процессы открывают её уже {seconds:duration}; завершите их или удалите {lock}",
    )
    GAVE_UP = (
        "{url}: the study's database did not answer in {attempts} attempts: {detail}",
        "{url}: база подбора не ответила, попыток было {attempts}: {detail}",
    )
