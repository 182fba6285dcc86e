# Eclipse Paho for Python, driven by driven-program.ts: commands in, events out, a line each. Works with 1.6 and 2.x.
import sys
import threading
import warnings
from urllib.parse import parse_qsl, urlencode

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

# 2.x would rather be asked for its newer callbacks, which 1.6 does not have.
warnings.filterwarnings('ignore', category=DeprecationWarning)

write_lock = threading.Lock()


def tell(verb, fields):
    line = verb + ' ' + urlencode(fields) + '\n'
    with write_lock:
        sys.stdout.write(line)
        sys.stdout.flush()


def code_of(reason_code):
    """5.0 has ReasonCodes, 3.1.1 has numbers."""
    return getattr(reason_code, 'value', reason_code)


class Driven:
    def __init__(self):
        self.client = None
        self.version = 0

    def connect(self, fields):
        self.version = int(fields['version'])
        clean = fields['cleanStart'] == '1'
        options = {'client_id': fields['clientId']}
        if hasattr(mqtt, 'CallbackAPIVersion'):
            options['callback_api_version'] = mqtt.CallbackAPIVersion.VERSION1
        if self.version == 5:
            client = mqtt.Client(protocol=mqtt.MQTTv5, **options)
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = int(fields['sessionExpiryInterval'])
            how = {'clean_start': clean, 'properties': properties}
        else:
            client = mqtt.Client(protocol=mqtt.MQTTv311, clean_session=clean, **options)
            how = {}
        if 'topicName' in fields:
            client.will_set(
                fields['topicName'],
                bytes.fromhex(fields['payload']),
                int(fields['qos']),
                fields['retain'] == '1',
                properties=self.properties(PacketTypes.WILLMESSAGE, fields),
            )
        client.on_connect = self.on_connect
        client.on_subscribe = self.on_subscribe
        client.on_publish = lambda client, userdata, packet_id: tell('publish', {'reasonCode': 0})
        client.on_message = self.on_message
        client.on_disconnect = self.on_disconnect
        self.client = client
        client.connect('127.0.0.1', int(fields['port']), 60, **how)
        client.loop_start()

    def subscribe(self, fields):
        qos = int(fields['qos'])
        if self.version == 5:
            options = mqtt.SubscribeOptions(qos=qos)
            self.client.subscribe([(name, options) for name in fields['topicFilters']])
        else:
            self.client.subscribe([(name, qos) for name in fields['topicFilters']])

    def publish(self, fields):
        self.client.publish(
            fields['topicName'],
            bytes.fromhex(fields['payload']),
            int(fields['qos']),
            fields['retain'] == '1',
            properties=self.properties(PacketTypes.PUBLISH, fields),
        )

    def disconnect(self, fields):
        self.client.disconnect()

    def properties(self, packet_type, fields):
        if self.version != 5:
            return None
        properties = Properties(packet_type)
        if 'contentType' in fields:
            properties.ContentType = fields['contentType']
        if 'responseTopic' in fields:
            properties.ResponseTopic = fields['responseTopic']
        if 'correlationData' in fields:
            properties.CorrelationData = fields['correlationData'].encode()
        if 'messageExpiryInterval' in fields:
            properties.MessageExpiryInterval = int(fields['messageExpiryInterval'])
        if 'topicAlias' in fields:
            properties.TopicAlias = int(fields['topicAlias'])
        if fields['userProperties']:
            properties.UserProperty = fields['userProperties']
        return properties

    def on_connect(self, client, userdata, flags, reason_code, properties=None):
        if code_of(reason_code) != 0:
            client.loop_stop()
        tell('connect', {'reasonCode': code_of(reason_code), 'sessionPresent': flags['session present']})

    def on_subscribe(self, client, userdata, packet_id, reason_codes, properties=None):
        tell('subscribe', [('reasonCode', code_of(each)) for each in reason_codes])

    def on_message(self, client, userdata, message):
        fields = [
            ('topicName', message.topic),
            ('payload', message.payload.hex()),
            ('qos', message.qos),
            ('retain', int(message.retain)),
        ]
        properties = getattr(message, 'properties', None)
        for name, key in (
            ('ContentType', 'contentType'),
            ('ResponseTopic', 'responseTopic'),
            ('CorrelationData', 'correlationData'),
            ('MessageExpiryInterval', 'messageExpiryInterval'),
        ):
            if hasattr(properties, name):
                fields.append((key, getattr(properties, name)))
        for name, value in getattr(properties, 'UserProperty', []):
            fields += [('userName', name), ('userValue', value)]
        tell('message', fields)

    def on_disconnect(self, client, userdata, reason_code, properties=None):
        # A connection that nobody ended here answers no command, and is not opened again.
        tell('disconnect', {'reasonCode': code_of(reason_code)})


def fields_of(text):
    pairs = parse_qsl(text, keep_blank_values=True)
    fields = dict(pairs)
    fields['topicFilters'] = [value for name, value in pairs if name == 'topicFilter']
    values = [value for name, value in pairs if name == 'userValue']
    fields['userProperties'] = list(zip([value for name, value in pairs if name == 'userName'], values))
    return fields


driven = Driven()
commands = {each.__name__: each for each in (driven.connect, driven.subscribe, driven.publish, driven.disconnect)}
for line in sys.stdin:
    verb, _, rest = line.rstrip('\n').partition(' ')
    commands[verb](fields_of(rest))
