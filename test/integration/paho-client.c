/* Eclipse Paho for C, driven by driven-program.ts: commands in, events out, a line each. */
#define _GNU_SOURCE /* getline, asprintf */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <MQTTAsync.h>

enum { FIELDS_MAX = 64, VERSION_5 = 5 };

static MQTTAsync client;
static int version;

/* ---- lines: `word name=value&name=value`, values percent-encoded ---- */

static struct field {
  char *name, *value;
} fields[FIELDS_MAX];
static int fieldCount;

static int digitOf(char c) { return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10; }

static void decodeInPlace(char *text) {
  char *out = text;
  for (; *text != '\0'; text++) {
    if (*text == '%') {
      *out++ = (char)(digitOf(text[1]) << 4 | digitOf(text[2]));
      text += 2;
    } else *out++ = *text == '+' ? ' ' : *text;
  }
  *out = '\0';
}

static void readFields(char *text) {
  fieldCount = 0;
  for (char *name = strtok(text, "&"); name != NULL && fieldCount < FIELDS_MAX; name = strtok(NULL, "&")) {
    char *value = strchr(name, '=');
    if (value == NULL) continue;
    *value++ = '\0';
    decodeInPlace(value);
    fields[fieldCount++] = (struct field){name, value};
  }
}

static char *field(const char *name) {
  for (int i = 0; i < fieldCount; i++)
    if (strcmp(fields[i].name, name) == 0) return fields[i].value;
  return NULL;
}

static int numberField(const char *name) { return atoi(field(name)); }

/* In hexadecimal, decoded into itself. */
static int payloadField(char **payload) {
  char *hex = *payload = field("payload");
  int length = (int)strlen(hex) / 2;
  for (int i = 0; i < length; i++) (*payload)[i] = (char)(digitOf(hex[2 * i]) << 4 | digitOf(hex[2 * i + 1]));
  return length;
}

/* Callbacks come on threads of the library: a line is written while standard output is locked. */
static void tellCode(const char *verb, int reasonCode) {
  printf("%s reasonCode=%d\n", verb, reasonCode);
  fflush(stdout);
}

static void writeText(const char *name, const char *text, int length) {
  printf("&%s=", name);
  for (int i = 0; i < length; i++) printf(isalnum((unsigned char)text[i]) ? "%c" : "%%%02X", (unsigned char)text[i]);
}

/* ---- properties, for 5.0 ---- */

static void addText(MQTTProperties *properties, enum MQTTPropertyCodes code, const char *name) {
  char *text = field(name);
  if (text == NULL) return;
  MQTTProperty property = {.identifier = code, .value.data = {(int)strlen(text), text}};
  MQTTProperties_add(properties, &property);
}

static MQTTProperties messageProperties(void) {
  MQTTProperties properties = MQTTProperties_initializer;
  if (version < VERSION_5) return properties;
  addText(&properties, MQTTPROPERTY_CODE_CONTENT_TYPE, "contentType");
  addText(&properties, MQTTPROPERTY_CODE_RESPONSE_TOPIC, "responseTopic");
  addText(&properties, MQTTPROPERTY_CODE_CORRELATION_DATA, "correlationData");
  if (field("messageExpiryInterval") != NULL) {
    MQTTProperty property = {.identifier = MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL};
    property.value.integer4 = (unsigned)numberField("messageExpiryInterval");
    MQTTProperties_add(&properties, &property);
  }
  if (field("topicAlias") != NULL) {
    MQTTProperty property = {.identifier = MQTTPROPERTY_CODE_TOPIC_ALIAS};
    property.value.integer2 = (unsigned short)numberField("topicAlias");
    MQTTProperties_add(&properties, &property);
  }
  for (int i = 0; i + 1 < fieldCount; i++) {
    if (strcmp(fields[i].name, "userName") != 0) continue;
    char *name = fields[i].value, *value = fields[i + 1].value;
    MQTTProperty property = {.identifier = MQTTPROPERTY_CODE_USER_PROPERTY};
    property.value.data = (MQTTLenString){(int)strlen(name), name};
    property.value.value = (MQTTLenString){(int)strlen(value), value};
    MQTTProperties_add(&properties, &property);
  }
  return properties;
}

static void writeProperties(MQTTProperties *properties) {
  for (int i = 0; i < properties->count; i++) {
    MQTTProperty *property = &properties->array[i];
    MQTTLenString data = property->value.data;
    switch (property->identifier) {
      case MQTTPROPERTY_CODE_CONTENT_TYPE: writeText("contentType", data.data, data.len); break;
      case MQTTPROPERTY_CODE_RESPONSE_TOPIC: writeText("responseTopic", data.data, data.len); break;
      case MQTTPROPERTY_CODE_CORRELATION_DATA: writeText("correlationData", data.data, data.len); break;
      case MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL:
        printf("&messageExpiryInterval=%u", property->value.integer4);
        break;
      case MQTTPROPERTY_CODE_USER_PROPERTY:
        writeText("userName", data.data, data.len);
        writeText("userValue", property->value.value.data, property->value.value.len);
        break;
      default: break;
    }
  }
}

/* ---- what comes from the library; the context is the word of the command ---- */

static int onMessage(void *context, char *topicName, int topicLength, MQTTAsync_message *message) {
  (void)context;
  flockfile(stdout);
  printf("message qos=%d&retain=%d&payload=", message->qos, message->retained);
  for (int i = 0; i < message->payloadlen; i++) printf("%02x", ((unsigned char *)message->payload)[i]);
  writeText("topicName", topicName, topicLength > 0 ? topicLength : (int)strlen(topicName));
  writeProperties(&message->properties);
  printf("\n");
  fflush(stdout);
  funlockfile(stdout);
  MQTTAsync_freeMessage(&message);
  MQTTAsync_free(topicName);
  return 1;
}

static void onConnected(void *context, MQTTAsync_successData *data) {
  (void)context;
  printf("connect reasonCode=0&sessionPresent=%d\n", data->alt.connect.sessionPresent);
  fflush(stdout);
}

static void onConnected5(void *context, MQTTAsync_successData5 *data) {
  (void)context;
  printf("connect reasonCode=0&sessionPresent=%d\n", data->alt.connect.sessionPresent);
  fflush(stdout);
}

static int filterCount;

static void tellSubscribed(const int *codes) {
  flockfile(stdout);
  printf("subscribe ");
  for (int i = 0; i < filterCount; i++) printf("&reasonCode=%d", codes[i]);
  printf("\n");
  fflush(stdout);
  funlockfile(stdout);
}

static void onSubscribed(void *context, MQTTAsync_successData *data) {
  (void)context;
  tellSubscribed(filterCount == 1 ? &data->alt.qos : data->alt.qosList);
}

static void onSubscribed5(void *context, MQTTAsync_successData5 *data) {
  (void)context;
  int codes[FIELDS_MAX];
  for (int i = 0; i < filterCount; i++)
    codes[i] = filterCount == 1 ? (int)data->reasonCode : (int)data->alt.sub.reasonCodes[i];
  tellSubscribed(codes);
}

static void onSuccess(void *context, MQTTAsync_successData *data) {
  (void)data;
  tellCode(context, 0);
}

static void onSuccess5(void *context, MQTTAsync_successData5 *data) { tellCode(context, (int)data->reasonCode); }

static void onFailure(void *context, MQTTAsync_failureData *data) { tellCode(context, data->code); }

static void onFailure5(void *context, MQTTAsync_failureData5 *data) {
  tellCode(context, data->reasonCode != 0 ? (int)data->reasonCode : data->code);
}

static MQTTAsync_responseOptions answering(char *verb) {
  MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
  options.context = verb;
  if (version == VERSION_5) options.onSuccess5 = onSuccess5, options.onFailure5 = onFailure5;
  else options.onSuccess = onSuccess, options.onFailure = onFailure;
  return options;
}

/* ---- the commands ---- */

static int doConnect(void) {
  static MQTTProperties connectProperties = MQTTProperties_initializer, willProperties;
  version = numberField("version");
  MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
  MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
  MQTTAsync_connectOptions options5 = MQTTAsync_connectOptions_initializer5;
  MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
  if (version == VERSION_5) {
    options = options5;
    MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL};
    expiry.value.integer4 = (unsigned)numberField("sessionExpiryInterval");
    MQTTProperties_add(&connectProperties, &expiry);
    options.connectProperties = &connectProperties;
    options.cleanstart = numberField("cleanStart");
    options.onSuccess5 = onConnected5, options.onFailure5 = onFailure5;
  } else {
    options.cleansession = numberField("cleanStart");
    options.onSuccess = onConnected, options.onFailure = onFailure;
  }
  create.MQTTVersion = options.MQTTVersion = version;
  options.context = "connect";
  if (field("topicName") != NULL) {
    char *payload;
    will.topicName = field("topicName");
    will.payload.len = payloadField(&payload);
    will.payload.data = payload;
    will.qos = numberField("qos");
    will.retained = numberField("retain");
    options.will = &will;
    willProperties = messageProperties();
    if (version == VERSION_5) options.willProperties = &willProperties;
  }
  char *address;
  if (asprintf(&address, "tcp://127.0.0.1:%s", field("port")) < 0) return MQTTASYNC_FAILURE;
  int failure = MQTTAsync_createWithOptions(
    &client, address, field("clientId"), MQTTCLIENT_PERSISTENCE_NONE, NULL, &create);
  if (failure == 0) failure = MQTTAsync_setCallbacks(client, NULL, NULL, onMessage, NULL);
  return failure != 0 ? failure : MQTTAsync_connect(client, &options);
}

static int doSubscribe(void) {
  char *filters[FIELDS_MAX];
  int qos[FIELDS_MAX];
  filterCount = 0;
  for (int i = 0; i < fieldCount; i++) {
    if (strcmp(fields[i].name, "topicFilter") != 0) continue;
    qos[filterCount] = numberField("qos");
    filters[filterCount++] = fields[i].value;
  }
  MQTTAsync_responseOptions options = answering("subscribe");
  if (version == VERSION_5) options.onSuccess5 = onSubscribed5;
  else options.onSuccess = onSubscribed;
  return MQTTAsync_subscribeMany(client, filterCount, filters, qos, &options);
}

static int doPublish(void) {
  char *payload;
  MQTTAsync_message message = MQTTAsync_message_initializer;
  message.payloadlen = payloadField(&payload);
  message.payload = payload;
  message.qos = numberField("qos");
  message.retained = numberField("retain");
  message.properties = messageProperties();
  MQTTAsync_responseOptions options = answering("publish");
  return MQTTAsync_sendMessage(client, field("topicName"), &message, &options);
}

static int doDisconnect(void) {
  MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
  MQTTAsync_disconnectOptions options5 = MQTTAsync_disconnectOptions_initializer5;
  if (version == VERSION_5) options = options5, options.onSuccess5 = onSuccess5;
  else options.onSuccess = onSuccess;
  options.context = "disconnect";
  return MQTTAsync_disconnect(client, &options);
}

int main(void) {
  static const struct {
    const char *verb;
    int (*run)(void);
  } commands[] = {
    {"connect", doConnect}, {"subscribe", doSubscribe}, {"publish", doPublish}, {"disconnect", doDisconnect}};
  char *line = NULL;
  size_t size = 0;
  while (getline(&line, &size, stdin) > 0) {
    line[strcspn(line, "\n")] = '\0';
    char *rest = strchr(line, ' ');
    if (rest == NULL) return 1;
    *rest++ = '\0';
    readFields(rest);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
      if (strcmp(line, commands[i].verb) != 0) continue;
      int failure = commands[i].run();
      if (failure != MQTTASYNC_SUCCESS) printf("failed verb=%s&code=%d\n", line, failure), fflush(stdout);
    }
  }
  return 0;
}
